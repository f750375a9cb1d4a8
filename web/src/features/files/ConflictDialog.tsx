import { Button, Flex, Modal, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { CodeDiff } from '../../ui/CodeEditor'
import { TimeText } from '../../ui/TimeText'
import type { Conflict } from './useSaving'

interface Props {
  conflict: Conflict
  onTakeTheirs: () => void
  onKeepMine: () => void
  onGoOn: () => void
}

/** Two have changed one file: the second is told here, and chooses. */
export function ConflictDialog({ conflict: { path, mine, theirs }, onTakeTheirs, onKeepMine, onGoOn }: Props) {
  const { t } = useTranslation('files')
  return (
    <Modal
      open
      width={1000}
      title={t(theirs ? 'conflict.changed' : 'conflict.gone')}
      onCancel={onGoOn}
      mask={{ closable: false }}
      footer={
        <Flex gap="small" wrap justify="end">
          <Button danger onClick={onTakeTheirs}>
            {t(theirs ? 'conflict.takeTheirs' : 'conflict.discard')}
          </Button>
          <Button danger={theirs !== null} onClick={onKeepMine}>
            {t(theirs ? 'conflict.keepMine' : 'conflict.makeAgain')}
          </Button>
          <Button type="primary" onClick={onGoOn}>
            {t('conflict.goOn')}
          </Button>
        </Flex>
      }
    >
      <Typography.Paragraph>
        <bdi>{path}</bdi>
        {theirs && (
          <>
            {' · '}
            {t('conflict.savedAt')} <TimeText at={theirs.updated_at} />
          </>
        )}
      </Typography.Paragraph>
      <Typography.Paragraph type="secondary">
        {t(theirs ? 'conflict.changedHint' : 'conflict.goneHint')}
      </Typography.Paragraph>
      {theirs && (
        <>
          <Flex justify="space-between" aria-hidden>
            <Typography.Text strong>{t('conflict.theirs')}</Typography.Text>
            <Typography.Text strong>{t('conflict.mine')}</Typography.Text>
          </Flex>
          <CodeDiff path={path} before={theirs.content ?? ''} after={mine} height={360} />
        </>
      )}
    </Modal>
  )
}
