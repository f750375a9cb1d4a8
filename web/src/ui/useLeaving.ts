import { useBlocker } from '@tanstack/react-router'
import { App } from 'antd'
import { useTranslation } from 'react-i18next'

/** Asks before what is not saved is left behind, for another page or for good; `lost` says what that is. */
export function useLeaving(isDirty: boolean, lost: string) {
  const { t } = useTranslation()
  const { modal } = App.useApp()
  useBlocker({
    disabled: !isDirty,
    enableBeforeUnload: isDirty,
    shouldBlockFn: async ({ current, next }) => {
      // To another part of the same page, as from one file to another.
      if (current.pathname === next.pathname) return false
      const leaves = await modal.confirm({
        title: t('form.leave'),
        content: lost,
        okText: t('form.leaveAnyway'),
        okButtonProps: { danger: true },
        cancelText: t('action.cancel'),
      })
      return !leaves
    },
  })
}
