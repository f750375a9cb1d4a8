import { useBlocker } from '@tanstack/react-router'
import { App } from 'antd'
import { useTranslation } from 'react-i18next'

/** Asks before what is not saved is left behind. */
export function useLeaving(isDirty: boolean) {
  const { t } = useTranslation('spiders')
  const { modal } = App.useApp()
  useBlocker({
    disabled: !isDirty,
    enableBeforeUnload: isDirty,
    shouldBlockFn: async () => {
      const leaves = await modal.confirm({
        title: t('settings.leave'),
        content: t('settings.leaveHint'),
        okText: t('settings.leaveAnyway'),
        okButtonProps: { danger: true },
        cancelText: t('settings.stay'),
      })
      return !leaves
    },
  })
}
