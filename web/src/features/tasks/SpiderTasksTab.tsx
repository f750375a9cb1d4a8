export function SpiderTasksTab() {
  return null
}
