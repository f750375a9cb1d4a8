import { gzipSync, type InputType } from 'node:zlib'

import zopfli from '@gfx/zopfli'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compression, defineAlgorithm } from 'vite-plugin-compression2'

import { lighterAntd } from './vite.antd.ts'

/** Where `npm run dev` finds a server. */
const server = process.env.CRAWLHUB_SERVER ?? 'http://127.0.0.1:8000'
const toServer = { target: server, ws: true }

/** As gzip is all that browsers take over plain HTTP, it is given more time: some 4 % less comes of it. */
async function smallGzip(content: InputType): Promise<Buffer> {
  const file = Buffer.from(content as Uint8Array)
  return file.length > 1_000_000
    ? gzipSync(file, { level: 9 })
    : Buffer.from(await zopfli.gzipAsync(file, { numiterations: 5 }))
}

export default defineConfig({
  plugins: [
    react(),
    lighterAntd,
    // The server hands these out as they are; see src/ui.rs.
    compression({
      // The page itself is small, and what the build is known by.
      exclude: [/\.html$/],
      threshold: 1024,
      deleteOriginalAssets: true,
      algorithms: [defineAlgorithm(smallGzip, {}), defineAlgorithm('brotliCompress')],
    }),
  ],
  build: {
    target: 'es2022',
    sourcemap: false,
    chunkSizeWarningLimit: 4000,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // They do not say so themselves.
      treeshake: {
        moduleSideEffects: [{ test: /node_modules\/(antd|@rc-component|@ant-design)\//, sideEffects: false }],
      },
      // What every page needs is compressed in one piece.
      output: { codeSplitting: { groups: [{ name: 'core', tags: ['$initial'] }] } },
    },
  },
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
