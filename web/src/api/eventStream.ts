import { apiFetch } from './fetch'

/** One server-sent event. */
export interface ServerEvent {
  /** `message` where the server names none. */
  event: string
  data: string
  id: string | null
}

/** Takes a stream of text apart into events, however it was cut into pieces. */
export class EventParser {
  private rest = ''

  push(text: string): ServerEvent[] {
    this.rest += text
    const blocks = this.rest.replaceAll('\r\n', '\n').split('\n\n')
    this.rest = blocks.pop() ?? ''
    return blocks.map(eventOf).filter((event) => event !== null)
  }
}

function eventOf(block: string): ServerEvent | null {
  let event = 'message'
  let id: string | null = null
  const data: string[] = []
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon === 0) continue
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') event = value
    else if (name === 'data') data.push(value)
    else if (name === 'id') id = value
  }
  return data.length === 0 ? null : { event, data: data.join('\n'), id }
}

/** Reads a stream of events until it ends or `signal` is aborted. Unlike `EventSource` it signs in again, sends a body,
 * and holds its connection no longer than it is looked at: a browser has six for all its tabs. */
export async function readEvents(
  path: string,
  init: RequestInit & { signal: AbortSignal },
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const headers = { Accept: 'text/event-stream', ...(init.headers as Record<string, string>) }
  const response = await apiFetch(new URL(path, location.origin).href, { ...init, headers })
  const parser = new EventParser()
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    for (const event of parser.push(value)) onEvent(event)
  }
}
