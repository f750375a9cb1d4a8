import { Button, Flex, Form, Modal } from 'antd'
import { useId, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { ErrorAlert } from './ErrorAlert'
import { useFormSave } from './useFormSave'

interface FormProps<F> {
  /** What stands in the form when it is opened. */
  initial: Partial<F>
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
      <DialogForm<F> {...form} />
    </Modal>
  )
}

function DialogForm<F extends object>({ initial, onSave, onClose, saveText, children }: FormProps<F>) {
  const { t } = useTranslation()
  const [form] = Form.useForm<F>()
  const { save, isSaving, error } = useFormSave(form, onSave)
  const finish = async (fields: F) => {
    if (await save(fields)) onClose()
  }
  return (
    <Form<F> name={useId()} form={form} layout="vertical" initialValues={initial} onFinish={finish}>
      {error !== null && (
        <Form.Item>
          <ErrorAlert error={error} />
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
