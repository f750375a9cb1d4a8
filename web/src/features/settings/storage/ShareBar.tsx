import { Flex, theme } from 'antd'

interface Props {
  /** What fills the bar. */
  whole: number
  /** Each with its colour. */
  parts: [number, string][]
}

/** Parts beside each other. The numbers themselves stand beside it. */
export function ShareBar({ whole, parts }: Props) {
  const { token } = theme.useToken()
  return (
    <Flex
      aria-hidden
      style={{ minWidth: 160, height: 10, borderRadius: 5, overflow: 'hidden', background: token.colorFillSecondary }}
    >
      {parts.map(([part, color]) => (
        <span key={color} style={{ background: color, width: whole > 0 ? `${(part / whole) * 100}%` : 0 }} />
      ))}
    </Flex>
  )
}
