import { ReloadOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

/** Unlike the list's own looks it shows that it works. */
export function RefreshButton({ onRefresh }: { onRefresh: () => Promise<unknown> }) {
  const { t } = useTranslation()
  const [isBusy, setIsBusy] = useState(false)
  const refresh = () => {
    setIsBusy(true)
    void onRefresh().finally(() => setIsBusy(false))
  }
  return (
    <Button icon={<ReloadOutlined />} loading={isBusy} onClick={refresh}>
      {t('action.refresh')}
    </Button>
  )
}
