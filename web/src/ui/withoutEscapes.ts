/** Colours, titles, and whatever else only a terminal understands. */
// eslint-disable-next-line no-control-regex -- an escape sequence begins with a control character
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[()][A-Z0-9]|[=>])/g

export const withoutEscapes = (text: string) => text.replace(ESCAPES, '')
