/** Where the API has what these pages show. */
export const ALERTS = '/platform/api/crawlhub/alerts'
export const RULES_PATH = '/platform/api/crawlhub/alert-rules'
export const CHANNELS_PATH = '/platform/api/crawlhub/notifications/channels'
export const DELIVERIES = '/platform/api/crawlhub/notifications/deliveries'
