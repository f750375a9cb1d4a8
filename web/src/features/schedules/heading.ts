/** Of a card: a heading that looks like any card's title. */
export const HEADING = { fontSize: 'inherit', fontWeight: 'inherit', margin: 0 } as const
