/** Where a page would never see it. */
export default function Nothing() {
  return null
}

/** Of a filter's dialog. */
export const flattenKeys = () => []

/** Of the grounds of buttons in a colour that no button has. */
export const isBright = () => false
