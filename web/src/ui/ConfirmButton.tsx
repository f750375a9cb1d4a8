import { App, Button, type ButtonProps } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

interface Props extends Omit<ButtonProps, 'onClick' | 'title'> {
  /** Names what will be gone: "Delete the spider books?". */
  question: string
  /** What else goes with it. */
  consequence?: ReactNode
  /** What the button of the question says. */
  confirmText?: string
  onConfirm: () => unknown
}

/** A button whose deed cannot be undone: asks once. */
export function ConfirmButton({ question, consequence, confirmText, onConfirm, children, ...button }: Props) {
  const { modal } = App.useApp()
  const { t } = useTranslation()
  const ask = () => {
    void modal.confirm({
      title: question,
      content: consequence,
      okText: confirmText ?? t('action.delete'),
      cancelText: t('action.cancel'),
      okButtonProps: { danger: true },
      // Whoever calls tells of its error; the question is closed either way.
      onOk: () => Promise.resolve(onConfirm()).catch(() => undefined),
    })
  }
  return (
    <Button danger {...button} onClick={ask}>
      {children}
    </Button>
  )
}
