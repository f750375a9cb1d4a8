/** A text in pieces: what was searched for, whatever its case, and what stands in between. */
export function pieces(text: string, sought: string): { text: string; isHit: boolean }[] {
  if (!sought) return [{ text, isHit: false }]
  const pattern = new RegExp(sought.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu')
  const found: { text: string; isHit: boolean }[] = []
  let end = 0
  for (const { 0: hit, index } of text.matchAll(pattern)) {
    if (index > end) found.push({ text: text.slice(end, index), isHit: false })
    found.push({ text: hit, isHit: true })
    end = index + hit.length
  }
  if (end < text.length || found.length === 0) found.push({ text: text.slice(end), isHit: false })
  return found
}
