import { Alert, Button, Flex, Modal, Typography } from 'antd'

interface Shown {
  label: string
  text: string
}

interface Props {
  title: string
  /** That it is not shown again, and what it is for. */
  warning: string
  parts: Shown[]
  /** What the button says: that it is kept. */
  doneText: string
  onClose: () => void
}

/** A secret that is shown this once, and how it is used. */
export function ShownOnce({ title, warning, parts, doneText, onClose }: Props) {
  return (
    <Modal
      open
      title={<bdi>{title}</bdi>}
      width={640}
      // It is closed on purpose only.
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      footer={
        <Button type="primary" onClick={onClose}>
          {doneText}
        </Button>
      }
    >
      <Flex vertical gap="middle">
        <Alert type="warning" showIcon title={warning} />
        {parts.map((part) => (
          <Copied key={part.label} {...part} />
        ))}
      </Flex>
    </Modal>
  )
}

function Copied({ label, text }: Shown) {
  return (
    <div>
      <Typography.Text type="secondary">{label}</Typography.Text>
      <Typography.Paragraph
        code
        copyable={{ text }}
        style={{ margin: 0, overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}
      >
        {text}
      </Typography.Paragraph>
    </div>
  )
}
