import { useQueryClient } from '@tanstack/react-query'
import { Anchor, ConfigProvider, Flex, Form, theme } from 'antd'
import { useEffectEvent, useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'

import { api, dataOf, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { useFormSave } from '../../../ui/useFormSave'
import { useLeaving } from '../../../ui/useLeaving'
import { useMay } from '../../session/profile'
import { Section } from '../../settings/Section'
import { SCHEDULES, SPIDER, SPIDER_ALONE, spiderOf } from '../addresses'
import { DangerZone } from './DangerZone'
import { changeOf, fieldsOf, isChanged, type Fields } from './fields'
import {
  BasicFields,
  DataFields,
  EnvironmentFields,
  LimitFields,
  NetworkFields,
  OverlapFields,
  RetentionFields,
  RunFields,
} from './groups'
import styles from './groups.module.css'
import { locate } from './locate'
import { RetryFields } from './RetryFields'
import { SaveBar } from './SaveBar'

const GROUPS = {
  basics: BasicFields,
  running: RunFields,
  limits: LimitFields,
  overlapping: OverlapFields,
  retries: RetryFields,
  data: DataFields,
  environment: EnvironmentFields,
  network: NetworkFields,
  retention: RetentionFields,
}
const NAMES = Object.keys(GROUPS) as (keyof typeof GROUPS)[]

/** Below the page's head. */
const OFFSET = 72

export function SettingsForm({ spider }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const mayEdit = useMay('editor')
  const { token } = theme.useToken()
  const client = useQueryClient()
  const [form] = Form.useForm<Fields>()
  // What the form was filled with, which may be older than what the server has now.
  const [filledFrom, setFilledFrom] = useState(spider)
  const [isDirty, setIsDirty] = useState(false)
  // What was just saved may be known here before it is handed down.
  const isNewer = Date.parse(spider.updated_at) >= Date.parse(filledFrom.updated_at)
  if (!isDirty && filledFrom !== spider && isNewer) setFilledFrom(spider)
  const fill = useEffectEvent(() => {
    if (!isDirty) form.setFieldsValue(fieldsOf(filledFrom))
  })
  // Before anything is typed into it.
  useLayoutEffect(() => fill(), [filledFrom])
  /** All of it: what is not shown at the moment, too. */
  const current = () => form.getFieldsValue(true) as Fields
  const sent = useRef<Fields>(null)
  const change = useChange(
    (body: Schemas['SpiderChange']) => dataOf(api.PUT(SPIDER, { params: { path: { id: spider.id } }, body })),
    {
      refreshes: [...SPIDER_ALONE, SCHEDULES],
      isQuiet: true,
      done: c('said.saved'),
      onSuccess: (saved) => {
        client.setQueryData(spiderOf(spider.id).queryKey, saved)
        setFilledFrom(saved)
        // What was typed meanwhile stays. Who is told that it is saved may leave: what else is read again comes later.
        setIsDirty(isChanged(sent.current!, current()))
      },
    },
  )
  const { save, isSaving, error } = useFormSave(form, async () => {
    const after = current()
    sent.current = after
    try {
      await change.mutateAsync(changeOf(fieldsOf(filledFrom), after))
    } catch (refused) {
      throw locate(refused, after)
    }
  })
  /** Somebody else has changed what is changed here. */
  const isOvertaken = () => {
    const [mine, theirs] = [current(), fieldsOf(spider)].map((after) => changeOf(fieldsOf(filledFrom), after))
    return !isSaving && Object.keys(theirs!).some((name) => name in mine!)
  }
  const showFault = () => {
    const faulty = form.getFieldsError().find(({ errors }) => errors.length > 0)
    if (faulty) form.scrollToField(faulty.name, { block: 'center', focus: true })
  }
  const finish = async (fields: Fields) => {
    if (!(await save(fields))) showFault()
  }
  const discard = () => {
    form.resetFields()
    form.setFieldsValue(fieldsOf(spider))
    setFilledFrom(spider)
    setIsDirty(false)
  }
  useLeaving(isDirty, t('settings.leaveHint'))
  const jump = [...NAMES, ...(mayEdit ? (['danger'] as const) : [])]
  return (
    <div className={styles.page}>
      {/* Who may not change it still wants to read it. */}
      <ConfigProvider theme={mayEdit ? {} : { token: { colorTextDisabled: token.colorText } }}>
        <Form<Fields>
          form={form}
          name="spider"
          layout="vertical"
          disabled={!mayEdit}
          initialValues={fieldsOf(filledFrom)}
          onValuesChange={() => setIsDirty(isChanged(fieldsOf(filledFrom), current()))}
          onFinish={finish}
          onFinishFailed={showFault}
        >
          <Flex vertical gap="middle">
            {NAMES.map((name) => {
              const Group = GROUPS[name]
              return (
                <div key={name} id={`settings-${name}`} className={styles.group}>
                  <Section title={t(`settings.${name}`)}>
                    <Group />
                  </Section>
                </div>
              )
            })}
            {mayEdit && (
              <div id="settings-danger" className={styles.group}>
                <Section title={t('settings.danger')}>
                  <DangerZone spider={spider} />
                </Section>
              </div>
            )}
          </Flex>
          {isDirty && <SaveBar isSaving={isSaving} isOvertaken={isOvertaken()} error={error} onDiscard={discard} />}
        </Form>
      </ConfigProvider>
      <nav aria-label={t('settings.contents')} className={styles.contents}>
        <ConfigProvider theme={{ token: { colorPrimary: token.colorLink } }}>
          <Anchor
            affix={false}
            targetOffset={OFFSET}
            items={jump.map((name) => ({ key: name, href: `#settings-${name}`, title: t(`settings.${name}`) }))}
            // The address says which page it is, not how far down.
            onClick={(event) => event.preventDefault()}
          />
        </ConfigProvider>
      </nav>
    </div>
  )
}
