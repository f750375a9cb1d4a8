import { Button, Card, Descriptions, Flex, Tag, theme, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'

import { ConfirmButton } from '../../../ui/ConfirmButton'
import { TimeText } from '../../../ui/TimeText'
import { useMay } from '../../session/profile'
import type { Schedule } from '../addresses'
import { useDelete } from '../useScheduleChanges'
import { ActiveSwitch } from './ActiveSwitch'
import { CronText } from './CronText'
import { nameOf } from './nameOf'

interface Props {
  schedule: Schedule
  /** Its times and its ledger stand below. */
  isShown: boolean
  isOnlyOne: boolean
  onShow: () => void
  onEdit: () => void
}

export function ScheduleCard({ schedule, isShown, isOnlyOne, onShow, onEdit }: Props) {
  const { t } = useTranslation('schedules')
  const { t: c } = useTranslation()
  const { token } = theme.useToken()
  const mayChange = useMay('editor')
  const remove = useDelete(schedule)
  const name = nameOf(schedule, t)
  const { timezone, next_run_at, last_run_at, overlap, misfire, priority, params } = schedule
  const given = Object.keys(params).length > 0
  const items = [
    { label: t('column.when'), children: <CronText expr={schedule.cron_expr} /> },
    { label: t('column.timezone'), children: timezone },
    { label: t('column.next'), children: <TimeText at={next_run_at} /> },
    { label: t('column.last'), children: last_run_at ? <TimeText at={last_run_at} /> : t('never') },
    overlap && { label: t('field.overlap'), children: t(`overlap.${overlap}`) },
    misfire && { label: t('field.misfire'), children: t(`misfire.${misfire}`) },
    priority !== 0 && { label: t('field.priority'), children: priority },
    given && { label: t('field.params'), children: <code>{JSON.stringify(params)}</code> },
  ]
  return (
    <Card
      size="small"
      style={isShown && !isOnlyOne ? { borderColor: token.colorPrimary } : undefined}
      title={
        <Flex gap="small" align="center" wrap>
          <bdi style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }}>{name}</bdi>
          {schedule.is_own && name !== t('own') && (
            <Tooltip title={t('ownHint')}>
              <Tag>{t('own')}</Tag>
            </Tooltip>
          )}
          <ActiveSwitch schedule={schedule} />
          {isShown && !isOnlyOne && <Tag color="processing">{t('shown')}</Tag>}
        </Flex>
      }
      extra={
        <Flex gap={4} wrap justify="end">
          {!isShown && (
            <Button size="small" aria-label={t('detailsOf', { name })} onClick={onShow}>
              {t('details')}
            </Button>
          )}
          {mayChange && (
            <>
              <Button size="small" aria-label={t('editOne', { name })} onClick={onEdit}>
                {c('action.edit')}
              </Button>
              <ConfirmButton
                size="small"
                aria-label={t('deleteOne', { name })}
                question={t('deleteAsk', { name })}
                consequence={t(schedule.is_own ? 'deleteOwnHint' : 'deleteHint')}
                loading={remove.isPending}
                onConfirm={() => remove.mutateAsync(undefined)}
              >
                {c('action.delete')}
              </ConfirmButton>
            </>
          )}
        </Flex>
      }
    >
      <Descriptions
        size="small"
        column={{ xs: 1, sm: 2, xl: 4 }}
        items={items.filter((item) => !!item)}
        styles={{ content: { overflowWrap: 'anywhere', minWidth: 0 } }}
      />
    </Card>
  )
}
