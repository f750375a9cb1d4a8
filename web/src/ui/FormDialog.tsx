import { Alert, Button, Flex, Form, Modal } from 'antd'
import { useEffect, useId, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { ErrorAlert } from './ErrorAlert'
import { useFormSave } from './useFormSave'

interface FormProps<F> {
  /** What stands in the form when it is opened. */
  initial: Partial<F>
  /** That is what is stored now: where it becomes something else meanwhile, whoever edits it is told. */
  isStored?: boolean
  /** The dialog closes when it is done; where it throws, that is told in the dialog and the input stays. */
  onSave: (fields: F) => Promise<unknown>
  onClose: () => void
  saveText?: string
  children: ReactNode
}

interface Props<F> extends FormProps<F> {
  title: ReactNode
  isOpen: boolean
}

/** A form over the page; a new one each time it is opened. */
export function FormDialog<F extends object>({ title, isOpen, ...form }: Props<F>) {
  return (
    <Modal
      open={isOpen}
      title={title}
      onCancel={form.onClose}
      footer={null}
      // What was typed is not lost to a click beside it.
      mask={{ closable: false }}
      destroyOnHidden
    >
      <DialogForm<F> {...form} isOpen={isOpen} />
    </Modal>
  )
}

function DialogForm<F extends object>(props: FormProps<F> & { isOpen: boolean }) {
  const { initial, isStored, onSave, onClose, saveText, children, isOpen } = props
  const { t } = useTranslation()
  const [form] = Form.useForm<F>()
  const { save, isSaving, error } = useFormSave(form, onSave)
  const [filledFrom, setFilledFrom] = useState(initial)
  const isOvertaken = isStored && isOpen && !isSaving && JSON.stringify(filledFrom) !== JSON.stringify(initial)
  const takeTheirs = () => {
    setFilledFrom(initial)
    form.resetFields()
  }
  const isThere = useRef(false)
  useEffect(() => {
    isThere.current = true
    return () => {
      isThere.current = false
    }
  }, [])
  const finish = async (fields: F) => {
    // It may have been closed while it was saved, and be another one that is open now.
    if ((await save(fields)) && isThere.current) onClose()
  }
  return (
    <Form<F> name={useId()} form={form} layout="vertical" initialValues={initial} onFinish={finish}>
      {error !== null && (
        <Form.Item>
          <ErrorAlert error={error} />
        </Form.Item>
      )}
      {isOvertaken && (
        <Form.Item>
          <Alert
            type="warning"
            showIcon
            title={t('form.overtaken')}
            action={
              <Button size="small" onClick={takeTheirs}>
                {t('form.takeTheirs')}
              </Button>
            }
          />
        </Form.Item>
      )}
      {children}
      <Flex justify="end" gap="small">
        <Button onClick={onClose}>{t('action.cancel')}</Button>
        <Button type="primary" htmlType="submit" loading={isSaving}>
          {saveText ?? t('action.save')}
        </Button>
      </Flex>
    </Form>
  )
}
