/** A share, 0 to 1. What is not all is not told as 100 %, nor what is something as none. */
export function percent(share: number): string {
  const rounded = Math.round(share * 1000) / 10
  if (share < 1 && rounded >= 100) return '>99.9%'
  if (share > 0 && rounded === 0) return '<0.1%'
  return `${rounded}%`
}
