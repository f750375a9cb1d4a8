import { expect, test } from 'vitest'

import { startCommand } from './start'

test('a command that a shell takes', () => {
  const command = startCommand('east-1', 'abc', 'https://crawlhub.example.com')
  expect(command.replaceAll(' \\\n  ', ' ')).toBe(
    'AGENT_NODE_NAME=east-1 AGENT_MASTER_URL=https://crawlhub.example.com AGENT_TOKEN=abc AGENT_STORAGE_PATH=/var/lib/crawlhub crawlhub worker',
  )
})
