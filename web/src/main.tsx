import { QueryClient } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { isPassing } from './api/errors'
import { Providers } from './app/Providers'
import { makeRouter } from './app/routes'
import { startI18n } from './i18n'
import './main.css'

const MOST_RETRIES = 3

const client = new QueryClient({
  defaultOptions: {
    // A server on this machine is there also where the network is not.
    queries: {
      networkMode: 'always',
      staleTime: 2000,
      retry: (failures, error) => isPassing(error) && failures < MOST_RETRIES,
    },
    mutations: { networkMode: 'always' },
  },
})
const router = makeRouter(client)

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}

await startI18n()
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Providers client={client}>
      <RouterProvider router={router} />
    </Providers>
  </StrictMode>,
)
