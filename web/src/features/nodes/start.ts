/** What is run on the node's machine to start its agent. */
export function startCommand(name: string, token: string, server: string): string {
  return [
    `AGENT_NODE_NAME=${name}`,
    `AGENT_MASTER_URL=${server}`,
    `AGENT_TOKEN=${token}`,
    'AGENT_STORAGE_PATH=/var/lib/crawlhub',
    'crawlhub worker',
  ].join(' \\\n  ')
}
