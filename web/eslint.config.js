import js from '@eslint/js'
import hooks from 'eslint-plugin-react-hooks'
import globals from 'globals'
import { defineConfig } from 'eslint/config'
import ts from 'typescript-eslint'

export default defineConfig(
    { ignores: ['dist', 'src/api/schema.d.ts', 'test-results', 'shots'] },
    js.configs.recommended,
    ...ts.configs.strictTypeChecked,
    hooks.configs.flat['recommended-latest'],
    {
        languageOptions: {
            globals: { ...globals.browser },
            parserOptions: {
                projectService: { allowDefaultProject: ['eslint.config.js'] },
                tsconfigRootDir: import.meta.dirname,
            },
        },
        rules: {
            // Numbers are written as they are.
            '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
            '@typescript-eslint/no-confusing-void-expression': 'off',
            '@typescript-eslint/no-non-null-assertion': 'off',
            // TanStack Router redirects by throwing.
            '@typescript-eslint/only-throw-error': 'off',
            // Ours are awaited by the libraries that call them.
            '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
        },
    },
)
