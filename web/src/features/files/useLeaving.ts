import { useBlocker } from '@tanstack/react-router'
import { App } from 'antd'
import { useTranslation } from 'react-i18next'

/** Asks before what is not saved is left behind: for another page, or for good. */
export function useLeaving(dirty: string[]) {
  const { t } = useTranslation('files')
  const { t: c } = useTranslation()
  const { modal } = App.useApp()
  const isDirty = dirty.length > 0
  useBlocker({
    disabled: !isDirty,
    enableBeforeUnload: isDirty,
    shouldBlockFn: async ({ current, next }) => {
      // From one file to another.
      if (current.pathname === next.pathname) return false
      const leaves = await modal.confirm({
        title: t('leave'),
        content: t('leaveHint', { paths: dirty.join(', ') }),
        okText: t('leaveAnyway'),
        okButtonProps: { danger: true },
        cancelText: c('action.cancel'),
      })
      return !leaves
    },
  })
}
