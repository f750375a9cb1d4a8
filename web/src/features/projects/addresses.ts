/** Where the API has what this page shows. */
export const PROJECTS = '/platform/api/crawlhub/projects'
export const PROJECT = `${PROJECTS}/{id}` as const

/** The one that cannot be renamed or deleted. */
export const DEFAULT_NAME = 'default'
