export function SpiderDataTab() {
  return null
}
