export function DeliveryButton(_: { spiderId: string }) {
  return null
}
