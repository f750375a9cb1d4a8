export function SpidersPage() {
  return null
}
