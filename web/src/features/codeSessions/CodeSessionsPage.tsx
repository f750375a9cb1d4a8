export function CodeSessionsPage() {
  return null
}
