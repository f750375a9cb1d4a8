import { CheckCircleOutlined, CloseCircleOutlined, MinusCircleOutlined } from '@ant-design/icons'
import { Descriptions, Flex, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Part } from './ready'

const KNOWN = ['database', 'documents', 'files', 'disk', 'docker', 'swarm'] as const

/** What the server depends on, and what that is for. */
export function PartList({ parts }: { parts: Part[] }) {
  const { t } = useTranslation('settings')
  return (
    <Descriptions
      size="small"
      column={1}
      items={parts.map((part) => {
        const known = KNOWN.find((name) => name === part.name)
        return {
          key: part.name,
          label: known ? t(`server.dependency.${known}`) : part.name,
          children: (
            <Flex gap="small" wrap>
              <StateTag part={part} />
              {known && <Typography.Text type="secondary">{t(`server.hint.${known}`)}</Typography.Text>}
            </Flex>
          ),
        }
      })}
    />
  )
}

function StateTag({ part: { state, isNeeded } }: { part: Part }) {
  const { t } = useTranslation('settings')
  const [color, icon] =
    state === 'ok'
      ? ['success', <CheckCircleOutlined key="icon" />]
      : isNeeded
        ? ['error', <CloseCircleOutlined key="icon" />]
        : ['default', <MinusCircleOutlined key="icon" />]
  return (
    <Tag color={color} icon={icon}>
      {t(`server.${state}`)}
    </Tag>
  )
}
