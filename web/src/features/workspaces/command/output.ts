import { withoutEscapes } from '../../../ui/withoutEscapes'

/** What a command printed in one go. */
export interface Piece {
  id: number
  stream: 'stdout' | 'stderr'
  text: string
}

export interface Output {
  pieces: Piece[]
  /** Of letters. */
  length: number
  /** What came first is not shown any more. */
  isCut: boolean
}

export const NOTHING: Output = { pieces: [], length: 0, isCut: false }

/** What a page can show without getting slow. */
export const MOST_LETTERS = 400_000
/** A piece that grows is drawn anew. */
const LARGEST_PIECE = 4000

/** With what came next; the oldest goes where it gets too much. */
export function withPrinted({ pieces, length, isCut }: Output, stream: Piece['stream'], printed: string): Output {
  const text = withoutEscapes(printed).replaceAll('\r\n', '\n')
  const last = pieces.at(-1)
  const next =
    last && last.stream === stream && last.text.length + text.length <= LARGEST_PIECE
      ? [...pieces.slice(0, -1), { ...last, text: last.text + text }]
      : [...pieces, { id: (last?.id ?? 0) + 1, stream, text }]
  let left = length + text.length
  let gone = 0
  while (left > MOST_LETTERS && gone < next.length - 1) {
    left -= next[gone]!.text.length
    gone += 1
  }
  return { pieces: next.slice(gone), length: left, isCut: isCut || gone > 0 }
}
