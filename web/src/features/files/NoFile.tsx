import { Alert, Button, Flex } from 'antd'
import { useTranslation } from 'react-i18next'

import { CodeEditor } from '../../ui/CodeEditor'
import { EmptyState } from '../../ui/EmptyState'
import type { Draft } from './drafts'
import type { Asked } from './TreePane'
import styles from './FilesTab.module.css'

interface Props {
  /** What the address names, where it names something. */
  path: string | undefined
  /** What is left of it here. */
  draft: Draft | undefined
  isReadOnly: boolean
  onSave: () => void
  onAsk: (what: Asked) => void
}

/** Where there is no file to show: none at all, none of that name, or one that somebody else has deleted. */
export function NoFile({ path, draft, isReadOnly, onSave, onAsk }: Props) {
  const { t } = useTranslation('files')
  if (path && draft) {
    return (
      <section className={styles.pane} aria-label={path}>
        <Alert
          type="warning"
          showIcon
          banner
          title={t('conflict.gone')}
          action={
            <Button size="small" onClick={onSave}>
              {t('conflict.makeAgain')}
            </Button>
          }
        />
        <div className={styles.editor}>
          <CodeEditor path={path} value={draft.text} isReadOnly height="100%" label={t('editorOf', { path })} />
        </div>
      </section>
    )
  }
  const buttons = !isReadOnly && (
    <Flex gap="small" wrap justify="center">
      <Button type="primary" onClick={() => onAsk('new')}>
        {t('newFile')}
      </Button>
      <Button onClick={() => onAsk('zip')}>{t('uploadZip')}</Button>
    </Flex>
  )
  return (
    <section className={styles.pane} aria-label={t('tree')}>
      {path ? (
        <EmptyState title={t('missing', { path })} hint={t('missingHint')} />
      ) : (
        <EmptyState title={t('empty')} hint={t('emptyHint')} action={buttons} />
      )}
    </section>
  )
}
