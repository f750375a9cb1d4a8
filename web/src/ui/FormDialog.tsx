import { Form, Modal } from 'antd'
import { useId, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

import { ErrorAlert } from './ErrorAlert'
import { useFormSave } from './useFormSave'

interface Props<F> {
  title: ReactNode
  isOpen: boolean
  onClose: () => void
  /** What stands in the form when it is opened. */
  initial: Partial<F>
  /** The dialog closes when it is done; where it throws, that is told in the dialog and the input stays. */
  onSave: (fields: F) => Promise<unknown>
  saveText?: string
  children: ReactNode
}

/** A form over the page. */
export function FormDialog<F extends object>(props: Props<F>) {
  const { title, isOpen, onClose, initial, onSave, saveText, children } = props
  const { t } = useTranslation()
  const name = useId()
  const [form] = Form.useForm<F>()
  const { save, isSaving, error, forgetError } = useFormSave(form, onSave)
  const finish = async (fields: F) => {
    if (await save(fields)) onClose()
  }
  return (
    <Modal
      open={isOpen}
      title={title}
      onCancel={onClose}
      afterClose={forgetError}
      // What was typed is not lost to a click beside it.
      mask={{ closable: false }}
      okText={saveText ?? t('action.save')}
      okButtonProps={{ htmlType: 'submit', form: name, loading: isSaving }}
      cancelText={t('action.cancel')}
      destroyOnHidden
    >
      <Form<F> name={name} form={form} layout="vertical" initialValues={initial} clearOnDestroy onFinish={finish}>
        {error !== null && (
          <Form.Item>
            <ErrorAlert error={error} />
          </Form.Item>
        )}
        {children}
      </Form>
    </Modal>
  )
}
