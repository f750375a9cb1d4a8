export function QuarantineView() {
  return null
}
