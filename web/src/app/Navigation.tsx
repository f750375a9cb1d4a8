import {
  AlertOutlined,
  ApiOutlined,
  AppstoreOutlined,
  AuditOutlined,
  BugOutlined,
  CalendarOutlined,
  ClusterOutlined,
  CodeOutlined,
  DashboardOutlined,
  DatabaseOutlined,
  FileSearchOutlined,
  FolderOpenOutlined,
  HddOutlined,
  KeyOutlined,
  ProjectOutlined,
  SettingOutlined,
  TeamOutlined,
  UnorderedListOutlined,
} from '@ant-design/icons'
import { Link, useRouterState } from '@tanstack/react-router'
import { Menu, type MenuProps } from 'antd'
import { useTranslation } from 'react-i18next'

import { useMay } from '../features/session/profile'

type Item = NonNullable<MenuProps['items']>[number]

/** The pages that there are, by what people do with them. */
export function Navigation({ onChosen }: { onChosen?: () => void }) {
  const { t } = useTranslation()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const isAdmin = useMay('admin')
  const isEditor = useMay('editor')
  const group = (label: string, children: Item[]): Item => ({ type: 'group', key: label, label, children })
  const items: Item[] = [
    { key: '/', icon: <DashboardOutlined />, label: <Link to="/">{t('nav.dashboard')}</Link> },
    group(t('nav.work'), [
      { key: '/projects', icon: <ProjectOutlined />, label: <Link to="/projects">{t('nav.projects')}</Link> },
      { key: '/spiders', icon: <BugOutlined />, label: <Link to="/spiders">{t('nav.spiders')}</Link> },
      { key: '/tasks', icon: <UnorderedListOutlined />, label: <Link to="/tasks">{t('nav.tasks')}</Link> },
      { key: '/schedules', icon: <CalendarOutlined />, label: <Link to="/schedules">{t('nav.schedules')}</Link> },
      { key: '/data', icon: <DatabaseOutlined />, label: <Link to="/data">{t('nav.data')}</Link> },
    ]),
    ...(isEditor
      ? [
          group(t('nav.sandboxes'), [
            {
              key: '/workspaces',
              icon: <FolderOpenOutlined />,
              label: <Link to="/workspaces">{t('nav.workspaces')}</Link>,
            },
            {
              key: '/instances',
              icon: <AppstoreOutlined />,
              label: <Link to="/instances">{t('nav.instances')}</Link>,
            },
          ]),
        ]
      : []),
    group(t('nav.operation'), [
      { key: '/alerts', icon: <AlertOutlined />, label: <Link to="/alerts">{t('nav.alerts')}</Link> },
      { key: '/datasources', icon: <HddOutlined />, label: <Link to="/datasources">{t('nav.datasources')}</Link> },
      { key: '/proxies', icon: <ApiOutlined />, label: <Link to="/proxies">{t('nav.proxies')}</Link> },
      ...(isAdmin
        ? [
            { key: '/nodes', icon: <ClusterOutlined />, label: <Link to="/nodes">{t('nav.nodes')}</Link> },
            {
              key: '/code-sessions',
              icon: <CodeOutlined />,
              label: <Link to="/code-sessions">{t('nav.codeSessions')}</Link>,
            },
          ]
        : []),
    ]),
    group(t('nav.administration'), [
      ...(isAdmin ? [{ key: '/users', icon: <TeamOutlined />, label: <Link to="/users">{t('nav.users')}</Link> }] : []),
      { key: '/tokens', icon: <KeyOutlined />, label: <Link to="/tokens">{t('nav.tokens')}</Link> },
      ...(isAdmin
        ? [{ key: '/audit', icon: <AuditOutlined />, label: <Link to="/audit">{t('nav.audit')}</Link> }]
        : []),
      { key: '/settings', icon: <SettingOutlined />, label: <Link to="/settings">{t('nav.settings')}</Link> },
      { key: '/docs/', icon: <FileSearchOutlined />, label: <a href="/docs/">{t('nav.docs')}</a> },
    ]),
  ]
  const current = path === '/' ? '/' : `/${path.split('/')[1]}`
  return (
    <nav aria-label={t('nav.main')}>
      <Menu mode="inline" items={items} selectedKeys={[current]} onClick={onChosen} style={{ borderInlineEnd: 0 }} />
    </nav>
  )
}
