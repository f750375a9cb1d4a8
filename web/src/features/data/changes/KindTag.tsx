import { EditOutlined, MinusCircleOutlined, PlusCircleOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'

type Kind = Schemas['ChangeKind']

const LOOKS: Record<Kind, { color: string; icon: ReactNode }> = {
  new: { color: 'success', icon: <PlusCircleOutlined /> },
  changed: { color: 'processing', icon: <EditOutlined /> },
  gone: { color: 'warning', icon: <MinusCircleOutlined /> },
}

export function KindTag({ kind }: { kind: Kind }) {
  const { t } = useTranslation('data')
  return (
    <Tag color={LOOKS[kind].color} icon={LOOKS[kind].icon}>
      {t(`changes.kind.${kind}`)}
    </Tag>
  )
}
