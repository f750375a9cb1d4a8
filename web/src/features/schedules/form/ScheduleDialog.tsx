import { Form, Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Schemas } from '../../../api/client'
import { FormDialog } from '../../../ui/FormDialog'
import type { Schedule } from '../addresses'
import { ownZone } from '../time/zone'
import { useSave } from '../useScheduleChanges'
import { CronField } from './CronField'
import { readParams, writeParams } from './params'
import { VersionSelect } from './VersionSelect'
import { ZoneSelect } from './ZoneSelect'

type Overlap = Schemas['Overlap']
type Misfire = Schemas['Misfire']

interface Fields {
  name?: string
  cron_expr: string
  timezone: string
  overlap: Overlap | ''
  misfire: Misfire | ''
  priority: number | null
  deployment_id: string | null
  params: string
}

interface Props {
  spiderId: string
  /** The spider's. */
  zone: string | undefined
  /** Null: a new one. */
  schedule: Schedule | null
  isOpen: boolean
  onClose: () => void
}

const OVERLAPS: Overlap[] = ['skip', 'queue', 'replace', 'allow']
const MISFIRES: Misfire[] = ['run_once', 'skip']

export function ScheduleDialog({ spiderId, zone, schedule, isOpen, onClose }: Props) {
  const { t } = useTranslation('schedules')
  const change = useSave(schedule)
  const save = (fields: Fields) => {
    const name = fields.name?.trim()
    return change.mutateAsync({
      ...fields,
      name: name || fields.cron_expr.trim(),
      overlap: fields.overlap || null,
      misfire: fields.misfire || null,
      priority: fields.priority ?? 0,
      // The types know of no names in it.
      params: (readParams(fields.params) ?? {}) as Record<string, never>,
      ...(schedule ? {} : { spider_id: spiderId }),
    })
  }
  const initial: Fields = {
    name: schedule?.name ?? '',
    cron_expr: schedule?.cron_expr ?? '',
    timezone: schedule?.timezone ?? zone ?? ownZone(),
    overlap: schedule?.overlap ?? '',
    misfire: schedule?.misfire ?? '',
    priority: schedule?.priority ?? 0,
    deployment_id: schedule?.deployment_id ?? null,
    params: writeParams(schedule?.params ?? {}),
  }
  // A spider's own one has what the spider is set to.
  const asSpider = schedule?.is_own ? [] : [{ value: '' as const, label: t('field.asSpider') }]
  return (
    <FormDialog<Fields>
      title={t(schedule ? 'edit' : 'create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={initial}
      isStored={schedule !== null}
      onSave={save}
    >
      <CronField />
      <Form.Item name="timezone" label={t('field.timezone')}>
        <ZoneSelect />
      </Form.Item>
      <Form.Item name="name" label={t('field.name')} extra={t('field.nameHint')}>
        <Input maxLength={255} />
      </Form.Item>
      <Form.Item name="overlap" label={t('field.overlap')}>
        <Select options={[...asSpider, ...OVERLAPS.map((value) => ({ value, label: t(`overlap.${value}`) }))]} />
      </Form.Item>
      <Form.Item name="misfire" label={t('field.misfire')}>
        <Select options={[...asSpider, ...MISFIRES.map((value) => ({ value, label: t(`misfire.${value}`) }))]} />
      </Form.Item>
      <Form.Item name="deployment_id" label={t('field.version')}>
        <VersionSelect spiderId={spiderId} />
      </Form.Item>
      <Form.Item name="priority" label={t('field.priority')} extra={t('field.priorityHint')}>
        <InputNumber min={-100} max={100} precision={0} style={{ width: 140 }} />
      </Form.Item>
      <Form.Item
        name="params"
        label={t('field.params')}
        extra={t('field.paramsHint')}
        rules={[
          {
            validator: (_, text: string) =>
              readParams(text) ? Promise.resolve() : Promise.reject(new Error(t('field.notObject'))),
          },
        ]}
      >
        <Input.TextArea autoSize={{ minRows: 2, maxRows: 10 }} spellCheck={false} style={{ fontFamily: 'monospace' }} />
      </Form.Item>
    </FormDialog>
  )
}
