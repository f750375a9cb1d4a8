import { Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { ValueCell } from '../items/ValueCell'
import { OpenButton } from '../OpenButton'
import type { Thing } from '../types'
import { KindTag } from './KindTag'
import { labelText } from './label'

export function useThingColumns(onOpen: (thing: Thing) => void): TableColumnsType<Thing> {
  const { t } = useTranslation('data')
  return [
    {
      title: t('changes.at'),
      width: 190,
      render: (_, thing) => <OpenButton at={thing.changed_at} title={t('changes.open')} onOpen={() => onOpen(thing)} />,
    },
    { title: t('changes.kindColumn'), render: (_, { kind }) => <KindTag kind={kind} /> },
    {
      title: t('changes.key'),
      render: (_, { label }) =>
        label ? (
          <ValueCell value={labelText(label)} />
        ) : (
          <Typography.Text type="secondary">{t('changes.wholeItem')}</Typography.Text>
        ),
    },
    { title: t('changes.version'), align: 'end', render: (_, { version }) => version },
    { title: t('quarantine.data'), render: (_, { data }) => <ValueCell value={data} /> },
  ]
}
