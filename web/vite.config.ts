import { resolve } from 'node:path'

import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compression, defineAlgorithm } from 'vite-plugin-compression2'

/** Where `npm run dev` finds a server. */
const server = process.env.CRAWLHUB_SERVER ?? 'http://127.0.0.1:8000'
const toServer = { target: server, ws: true }

export default defineConfig({
  plugins: [
    react(),
    // The server hands these out as they are; see src/ui.rs.
    compression({
      // The page itself is small, and what the build is known by.
      exclude: [/\.html$/],
      threshold: 1024,
      deleteOriginalAssets: true,
      algorithms: [defineAlgorithm('gzip', { level: 9 }), defineAlgorithm('brotliCompress')],
    }),
  ],
  resolve: {
    // All icons are made by one component, which is ours then.
    alias: [
      { find: '../components/AntdIconLight', replacement: resolve(import.meta.dirname, 'src/ui/SilentIcon.tsx') },
    ],
  },
  build: { target: 'es2022', sourcemap: false, chunkSizeWarningLimit: 4000, modulePreload: { polyfill: false } },
  server: {
    port: 5173,
    proxy: {
      '/platform': toServer,
      '/code-server': toServer,
      '/docs': toServer,
      '/openapi.json': toServer,
      '/healthz': toServer,
      '/readyz': toServer,
    },
  },
})
