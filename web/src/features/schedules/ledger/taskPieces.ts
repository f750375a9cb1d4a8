const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** A sentence that names tasks, in pieces: the ids, and what stands in between. */
export function taskPieces(text: string): { text: string; isTask: boolean }[] {
  const found: { text: string; isTask: boolean }[] = []
  let end = 0
  for (const { 0: id, index } of text.matchAll(ID)) {
    if (index > end) found.push({ text: text.slice(end, index), isTask: false })
    found.push({ text: id, isTask: true })
    end = index + id.length
  }
  if (end < text.length) found.push({ text: text.slice(end), isTask: false })
  return found
}
