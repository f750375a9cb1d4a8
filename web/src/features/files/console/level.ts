import { withoutEscapes } from '../../../ui/withoutEscapes'

export type Level = 'debug' | 'info' | 'warning' | 'error' | 'critical'

const WORDS: Record<string, Level> = {
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warning',
  WARNING: 'warning',
  ERROR: 'error',
  CRITICAL: 'critical',
  FATAL: 'critical',
}

/** As the server reads levels (`src/features/tasks/logs/level.rs`): the SDK's brackets, or a word of its own in front,
 * behind a time and up to four words, or behind a logger's name. */
const OWN = /^\[crawlhub:(debug|info|warning|error|critical)\]\s?/
const NAMED =
  /^(?:[[(<|]?\s?|[[(]?\d{4}[-/]\d\d[-/]\d\d[T ,]\s?\d\d:\d\d:\d\d\S*\s+(?:\S+\s+){0,4}?[[(<|]?|[\w.]+ [-|] )(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)\b/
const TROUBLE = /^(?:Traceback \(most recent call last\)|[\w.]*(?:Error|Exception)\b)/
const LOOKED_AT = 200

/** A printed line as it is shown: its level, where it names one, and its text. */
export function readLine(line: string): { level: Level | null; text: string } {
  const text = withoutEscapes(line)
  const start = text.slice(0, LOOKED_AT)
  const own = OWN.exec(start)
  if (own) return { level: own[1] as Level, text: text.slice(own[0].length) }
  const named = NAMED.exec(start)
  if (named) return { level: WORDS[named[1]!]!, text }
  return { level: TROUBLE.test(start) ? 'error' : null, text }
}
