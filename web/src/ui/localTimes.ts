import { time } from './format'

const WRITTEN = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g

/** A sentence of the server's, with its times as they are read elsewhere: in the reader's zone, or another. */
export const localTimes = (text: string, timeZone?: string) => text.replace(WRITTEN, (at) => time(at, timeZone))
