import { App } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../api/client'

/** Tells what a synchronisation came to; at length where it is not all that was wanted. */
export function useToldSync() {
  const { t } = useTranslation('codeSessions')
  const { modal, message } = App.useApp()
  return ({ message: said, conflicts, skipped }: Schemas['Synchronised']) => {
    if (conflicts.length + skipped.length === 0) return void message.success(said)
    modal.warning({
      title: t('syncedPartly'),
      width: 560,
      content: (
        <>
          {conflicts.length > 0 && (
            <>
              <p>{t('conflicts')}</p>
              <ul>
                {conflicts.map(({ path, kept_as }) => (
                  <li key={path}>
                    <bdi>{path}</bdi> → <bdi>{kept_as}</bdi>
                  </li>
                ))}
              </ul>
            </>
          )}
          {skipped.length > 0 && (
            <>
              <p>{t('skipped')}</p>
              <ul>
                {skipped.map(({ path, reason }) => (
                  <li key={path}>
                    <bdi>{path}</bdi> ({reason === 'name' ? t('skippedName') : t('skippedKind')})
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      ),
    })
  }
}
