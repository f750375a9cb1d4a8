export function DatasourcesPage() {
  return null
}
