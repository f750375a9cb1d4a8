import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Alert, Descriptions, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get, type Schemas } from '../../../api/client'
import { Loaded } from '../../../ui/Loaded'
import { TimeText } from '../../../ui/TimeText'
import { Section } from '../../settings/Section'
import { SPIDER } from '../addresses'
import styles from './rows.module.css'

type Stand = Schemas['SpiderRepository']

interface Props {
  spiderId: string
  projectId: string
}

/** How the spider stands to its project's repository. */
export function Repository({ spiderId, projectId }: Props) {
  const { t } = useTranslation('spiders')
  const query = useQuery(get(`${SPIDER}/repository`, { params: { path: { id: spiderId } } }))
  return (
    <Section
      title={t('repository.title')}
      extra={
        <Link to="/projects" search={{ shown: projectId }}>
          {t('repository.open')}
        </Link>
      }
    >
      <Loaded query={query}>
        {(stand) => (
          <Flex vertical gap="middle">
            {stand.git_error && (
              <Alert type="error" showIcon title={t('repository.error')} description={stand.git_error} />
            )}
            <Descriptions
              column={1}
              size="small"
              items={[
                {
                  key: 'commit',
                  label: t('repository.commit'),
                  children: stand.git_commit ? <code>{stand.git_commit.slice(0, 12)}</code> : t('repository.none'),
                },
                {
                  key: 'folder',
                  label: t('repository.folder'),
                  children: stand.folder ? <code className={styles.text}>{stand.folder}</code> : t('repository.whole'),
                },
                { key: 'at', label: t('repository.syncedAt'), children: <TimeText at={stand.synced_at} isRelative /> },
              ]}
            />
            <Conflicts spiderId={spiderId} conflicts={stand.conflicts} />
            <LeftOut paths={stand.left_out} />
          </Flex>
        )}
      </Loaded>
    </Section>
  )
}

function Conflicts({ spiderId, conflicts }: { spiderId: string; conflicts: Stand['conflicts'] }) {
  const { t } = useTranslation('spiders')
  if (conflicts.length === 0) return null
  const link = (path: string) => (
    <Link
      to="/spiders/$spiderId/files"
      params={{ spiderId }}
      search={{ path }}
      style={{ color: 'inherit', textDecoration: 'underline' }}
    >
      <bdi>{path}</bdi>
    </Link>
  )
  return (
    <Alert
      type="warning"
      showIcon
      title={t('repository.conflicts')}
      description={
        <>
          {t('repository.conflictsHint')}
          <ul style={{ margin: 0, paddingInlineStart: 18, overflowWrap: 'anywhere' }}>
            {conflicts.map(({ path, aside }) => (
              <li key={path}>
                {link(path)} → {link(aside)}
              </li>
            ))}
          </ul>
        </>
      }
    />
  )
}

const REASONS = ['link', 'submodule', 'name'] as const

function LeftOut({ paths }: { paths: Stand['left_out'] }) {
  const { t } = useTranslation('spiders')
  if (paths.length === 0) return null
  const reasonOf = (word: string) => {
    const known = REASONS.find((reason) => reason === word)
    return known ? t(`repository.reasons.${known}`) : word
  }
  return (
    <div>
      <Typography.Text type="secondary">{t('repository.leftOut')}</Typography.Text>
      <ul style={{ margin: 0, paddingInlineStart: 18, overflowWrap: 'anywhere' }}>
        {paths.map(({ path, reason }) => (
          <li key={path}>
            <bdi>{path}</bdi> ({reasonOf(reason)})
          </li>
        ))}
      </ul>
    </div>
  )
}
