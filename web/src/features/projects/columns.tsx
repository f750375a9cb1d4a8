import { BranchesOutlined, DeleteOutlined, EditOutlined } from '@ant-design/icons'
import { Link } from '@tanstack/react-router'
import { Button, Flex, Tag, Tooltip, Typography, type TableColumnsType } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../api/client'
import { useChange } from '../../api/useChange'
import { ConfirmButton } from '../../ui/ConfirmButton'
import { count } from '../../ui/format'
import { TimeText } from '../../ui/TimeText'
import { useMay } from '../session/profile'
import { DEFAULT_NAME, PROJECT, PROJECTS } from './addresses'
import { RepositoryCell } from './git/RepositoryCell'

type Project = Schemas['Project']

/** `onShow` takes the id of a project whose repository is wanted. */
export function useProjectColumns(
  onEdit: (project: Project) => void,
  onShow: (id: string) => void,
): TableColumnsType<Project> {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const isEditor = useMay('editor')
  const columns: TableColumnsType<Project> = [
    {
      title: c('word.name'),
      render: (_, { id, name, description }) => (
        <Flex vertical style={{ minWidth: 160, maxWidth: 480 }}>
          <Flex gap="small" align="baseline">
            <Link to="/spiders" search={{ project_id: id }} style={{ overflowWrap: 'anywhere', whiteSpace: 'normal' }}>
              <bdi>{name}</bdi>
            </Link>
            {name === DEFAULT_NAME && (
              <Tooltip title={t('defaultHint')}>
                <Tag tabIndex={0}>{t('isDefault')}</Tag>
              </Tooltip>
            )}
          </Flex>
          <Typography.Text type="secondary" ellipsis={{ tooltip: true }}>
            <bdi>{description}</bdi>
          </Typography.Text>
        </Flex>
      ),
    },
    {
      title: t('spiders'),
      align: 'right',
      render: (_, { id, name, spider_count }) => (
        <Link to="/spiders" search={{ project_id: id }} aria-label={`${t('spidersOf', { name })}: ${spider_count}`}>
          {count(spider_count)}
        </Link>
      ),
    },
    { title: t('git.repository'), render: (_, project) => <RepositoryCell project={project} onShow={onShow} /> },
    { title: t('most'), align: 'right', render: (_, { max_concurrent: most }) => most ?? t('noLimit') },
    { title: c('word.createdAt'), render: (_, { created_at }) => <TimeText at={created_at} /> },
  ]
  if (!isEditor) return columns
  return [
    ...columns,
    {
      title: c('word.actions'),
      render: (_, project) => (
        <Flex gap="small">
          <Tooltip title={c('action.edit')}>
            <Button
              size="small"
              icon={<EditOutlined />}
              aria-label={t('editOne', { name: project.name })}
              onClick={() => onEdit(project)}
            />
          </Tooltip>
          <Tooltip title={t('git.repository')}>
            <Button
              size="small"
              icon={<BranchesOutlined />}
              aria-label={t('git.repositoryLabel', { name: project.name })}
              onClick={() => onShow(project.id)}
            />
          </Tooltip>
          {project.name !== DEFAULT_NAME && <DeleteProject project={project} />}
        </Flex>
      ),
    },
  ]
}

function DeleteProject({ project: { id, name, spider_count } }: { project: Project }) {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const remove = useChange(() => api.DELETE(PROJECT, { params: { path: { id } } }), {
    refreshes: [PROJECTS],
    done: c('said.deleted'),
  })
  return (
    <Tooltip title={spider_count > 0 ? t('notEmpty') : c('action.delete')}>
      <ConfirmButton
        size="small"
        icon={<DeleteOutlined />}
        aria-label={t('deleteLabel', { name })}
        question={t('deleteOne', { name })}
        consequence={t('deleteHint')}
        disabled={spider_count > 0}
        loading={remove.isPending}
        onConfirm={() => remove.mutateAsync(undefined)}
      />
    </Tooltip>
  )
}
