import { RedoOutlined } from '@ant-design/icons'
import { App, Button, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { count } from '../../../ui/format'
import { DATA, QUARANTINE } from '../read'

interface Props {
  spiderId: string | undefined
  /** All of the spider's where there is none. */
  taskId: string | undefined
}

/** Checks refused items by the rules of now, and tells what became of them. */
export function ReplayButton({ spiderId, taskId }: Props) {
  const { t } = useTranslation('data')
  const { message, notification } = App.useApp()
  const replay = useChange(
    (id: string) => dataOf(api.POST(`${QUARANTINE}/replay`, { body: { spider_id: id, task_id: taskId } })),
    {
      refreshes: [DATA, '/platform/api/crawlhub/tasks'],
      onSuccess: ({ replayed, duplicate, still_rejected }) =>
        notification[still_rejected > 0 ? 'warning' : 'success']({
          title: t('quarantine.replayed'),
          description: t('quarantine.replayedDetail', {
            stored: count(replayed - duplicate),
            duplicate: count(duplicate),
            rejected: count(still_rejected),
          }),
          duration: 10,
        }),
    },
  )
  return (
    <Tooltip title={t('quarantine.replayAbout')}>
      <Button
        icon={<RedoOutlined />}
        loading={replay.isPending}
        onClick={() => (spiderId ? replay.mutate(spiderId) : void message.info(t('changes.pick')))}
      >
        {t('quarantine.replay')}
      </Button>
    </Tooltip>
  )
}
