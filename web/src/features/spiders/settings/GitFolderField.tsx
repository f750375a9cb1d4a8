import { FolderOpenOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Alert, Button, Form, Input, Modal, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { onDemand } from '../../../ui/onDemand'
import { useMay } from '../../session/profile'
import { projectOf } from '../addresses'
import type { Fields } from './fields'
import styles from './groups.module.css'

const FolderTree = onDemand(() => import('../../projects/git/FolderTree').then((found) => found.FolderTree))

/** The folder of the project's repository that its files come from. */
export function GitFolderField() {
  const { t } = useTranslation('spiders')
  const form = Form.useFormInstance<Fields>()
  const projectId = Form.useWatch('project_id', form) as string | undefined
  const project = useQuery({ ...projectOf(projectId ?? ''), enabled: !!projectId }).data
  return (
    <>
      {project && !project.git_commit && (
        <Form.Item>
          <Alert type="warning" showIcon title={t('settings.gitWithout')} />
        </Form.Item>
      )}
      <Form.Item name="git_repo" label={t('settings.gitFolder')} extra={t('settings.gitFolderHint')}>
        <FolderInput projectId={project?.git_commit ? project.id : null} />
      </Form.Item>
    </>
  )
}

interface Props {
  /** Null: there is nothing to choose from. */
  projectId: string | null
  id?: string
  value?: string | null
  onChange?: (folder: string) => void
}

/** `Form.Item` gives it its value. */
function FolderInput({ projectId, id, value, onChange }: Props) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const mayChange = useMay('editor')
  const [shown, setShown] = useState<string | null>(null)
  return (
    <>
      <Space.Compact block>
        <Input
          id={id}
          value={value ?? ''}
          maxLength={2000}
          className={styles.code}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange?.(event.target.value)}
        />
        {projectId && mayChange && (
          <Button icon={<FolderOpenOutlined />} onClick={() => setShown(value ?? '')}>
            {t('settings.gitChoose')}
          </Button>
        )}
      </Space.Compact>
      {projectId && shown !== null && (
        <Modal
          open
          title={t('settings.gitFolder')}
          okText={t('settings.gitChooseHere')}
          cancelText={c('action.cancel')}
          onOk={() => {
            onChange?.(shown)
            setShown(null)
          }}
          onCancel={() => setShown(null)}
        >
          <FolderTree projectId={projectId} path={shown} onShow={setShown} />
        </Modal>
      )}
    </>
  )
}
