/** Where the API has what these pages show. */
export const DATASOURCES = '/platform/api/crawlhub/datasources'
export const LINKS = '/platform/api/crawlhub/spiders/{id}/datasources'
export const LINK = `${LINKS}/{link}` as const
