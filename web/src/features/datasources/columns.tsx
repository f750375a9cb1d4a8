import { EditOutlined } from '@ant-design/icons'
import { Button, Flex, Tooltip, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../api/client'
import { TimeText } from '../../ui/TimeText'
import { useMay } from '../session/profile'
import { KINDS } from './kinds'
import { ContainerButton, DeleteSource, TestButton } from './SourceActions'
import { SourceStatus } from './SourceStatus'

type Source = Schemas['DataSource']

export function useSourceColumns(onEdit: (source: Source) => void): TableColumnsType<Source> {
  const { t } = useTranslation('datasources')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const columns: TableColumnsType<Source> = [
    {
      title: c('word.name'),
      render: (_, { name, description }) => (
        <Flex vertical style={{ maxWidth: 280, overflowWrap: 'anywhere' }}>
          <bdi>{name}</bdi>
          {description && (
            <Typography.Text type="secondary">
              <bdi>{description}</bdi>
            </Typography.Text>
          )}
        </Flex>
      ),
    },
    { title: t('kind'), render: (_, { type }) => KINDS[type].name },
    {
      title: t('address'),
      render: (_, source) => (
        <Flex vertical style={{ maxWidth: 320, overflowWrap: 'anywhere' }}>
          <bdi>{`${source.host}:${source.port}/${source.database}`}</bdi>
          {source.username && (
            <Typography.Text type="secondary">
              <bdi>{source.username}</bdi>
            </Typography.Text>
          )}
        </Flex>
      ),
    },
    { title: c('word.status'), render: (_, source) => <StatusCell source={source} /> },
  ]
  if (!isEditor) return columns
  return [
    ...columns,
    {
      title: c('word.actions'),
      render: (_, source) => (
        <Flex gap="small">
          <TestButton source={source} />
          {source.mode === 'managed' && <ContainerButton source={source} />}
          <Tooltip title={c('action.edit')}>
            <Button
              size="small"
              icon={<EditOutlined />}
              aria-label={`${c('action.edit')} ${source.name}`}
              onClick={() => onEdit(source)}
            />
          </Tooltip>
          <DeleteSource source={source} />
        </Flex>
      ),
    },
  ]
}

function StatusCell({ source: { status, last_check_at, last_error } }: { source: Source }) {
  const { t } = useTranslation('datasources')
  return (
    <Flex vertical gap={4} align="start" style={{ maxWidth: 320, overflowWrap: 'anywhere' }}>
      <Flex align="center" wrap>
        {/* What was never reached for is not known to be off. */}
        {last_check_at ? <SourceStatus status={status} /> : t('unchecked')}
        {last_check_at && (
          <Typography.Text type="secondary">
            <TimeText at={last_check_at} isRelative />
          </Typography.Text>
        )}
      </Flex>
      {last_error && (
        <Typography.Paragraph type="danger" ellipsis={{ rows: 3, expandable: 'collapsible' }} style={{ margin: 0 }}>
          {last_error}
        </Typography.Paragraph>
      )}
    </Flex>
  )
}
