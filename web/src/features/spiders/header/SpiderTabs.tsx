import { Link, useLocation } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

import styles from './SpiderTabs.module.css'

const PARTS = [
  ['overview', '/spiders/$spiderId'],
  ['files', '/spiders/$spiderId/files'],
  ['schedule', '/spiders/$spiderId/schedule'],
  ['tasks', '/spiders/$spiderId/tasks'],
  ['data', '/spiders/$spiderId/data'],
  ['errors', '/spiders/$spiderId/errors'],
  ['versions', '/spiders/$spiderId/versions'],
  ['settings', '/spiders/$spiderId/settings'],
] as const

/** The parts of a spider: each is an address, so these are links. */
export function SpiderTabs({ spiderId }: { spiderId: string }) {
  const { t } = useTranslation('spiders')
  const bar = useRef<HTMLElement>(null)
  const { pathname } = useLocation()
  // Where there is little room, the one that is shown is in sight.
  useEffect(() => {
    const shown = bar.current?.querySelector<HTMLElement>('[aria-current="page"]')
    if (bar.current && shown)
      bar.current.scrollLeft = shown.offsetLeft - (bar.current.clientWidth - shown.offsetWidth) / 2
  }, [pathname])
  return (
    <nav ref={bar} aria-label={t('sections')} className={styles.tabs}>
      {PARTS.map(([part, to]) => (
        <Link
          key={part}
          to={to}
          params={{ spiderId }}
          activeOptions={{ exact: true, includeSearch: false }}
          className={styles.tab}
        >
          {t(`tab.${part}`)}
        </Link>
      ))}
    </nav>
  )
}
