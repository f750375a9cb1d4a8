export function SpiderPage() {
  return null
}
