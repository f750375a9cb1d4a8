import { Alert, Button, Flex, Modal, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'

interface Props {
  token: Schemas['CreatedToken'] | null
  onClose: () => void
}

/** The token itself, this once. */
export function CreatedToken({ token, onClose }: Props) {
  const { t } = useTranslation('accounts')
  if (!token) return null
  const example = `curl -H "Authorization: Bearer ${token.token}" ${location.origin}/platform/api/crawlhub/spiders`
  return (
    <Modal
      open
      title={<bdi>{t('tokens.created', { name: token.name })}</bdi>}
      width={640}
      // It is closed on purpose only.
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      footer={
        <Button type="primary" onClick={onClose}>
          {t('tokens.kept')}
        </Button>
      }
    >
      <Flex vertical gap="middle">
        <Alert type="warning" showIcon title={t('tokens.once')} />
        <Copied label={t('tokens.token')} text={token.token} />
        <Copied label={t('tokens.example')} text={example} />
      </Flex>
    </Modal>
  )
}

function Copied({ label, text }: { label: string; text: string }) {
  return (
    <div>
      <Typography.Text type="secondary">{label}</Typography.Text>
      <Typography.Paragraph code copyable={{ text }} style={{ margin: 0, overflowWrap: 'anywhere' }}>
        {text}
      </Typography.Paragraph>
    </div>
  )
}
