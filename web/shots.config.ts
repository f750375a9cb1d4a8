import { defineConfig } from '@playwright/test'

import tests from './playwright.config'

/** Pictures of every page: `make shots`. */
export default defineConfig({ ...tests, testMatch: 'shots.ts', timeout: 600_000 })
