import { useBlocker, useRouter } from '@tanstack/react-router'
import { App, Button, Card, Flex, Form } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../../api/client'
import { useChange } from '../../../api/useChange'
import { ConfirmButton } from '../../../ui/ConfirmButton'
import { ErrorAlert } from '../../../ui/ErrorAlert'
import { useFormSave } from '../../../ui/useFormSave'
import { useMay } from '../../session/profile'
import { useDeleteSpider } from '../useDeleteSpider'
import { BasicFields, DataFields, LimitFields, NetworkFields, RetentionFields, RetryFields, RunFields } from './groups'
import { EnvVarFields } from './EnvVarFields'
import { changeOf, fieldsOf, type Fields } from './fields'

export function SettingsForm({ spider }: { spider: Schemas['Spider'] }) {
  const { t } = useTranslation('spiders')
  const { t: c } = useTranslation()
  const { message } = App.useApp()
  const router = useRouter()
  const mayEdit = useMay('editor')
  const [form] = Form.useForm<Fields>()
  // What the form was filled with, which may be older than what the server has now.
  const [before, setBefore] = useState(() => fieldsOf(spider))
  const [isDirty, setIsDirty] = useState(false)
  const change = useChange(
    (body: Schemas['SpiderChange']) =>
      api.PUT('/platform/api/crawlhub/spiders/{id}', { params: { path: { id: spider.id } }, body }),
    {
      refreshes: ['/platform/api/crawlhub/spiders', '/platform/api/crawlhub/schedules'],
      isQuiet: true,
      done: c('said.saved'),
    },
  )
  const { save, isSaving, error } = useFormSave(form, async (after: Fields) => {
    const changed = changeOf(before, after)
    if (Object.keys(changed).length > 0) await change.mutateAsync(changed)
    else message.info(t('settings.nothingChanged'))
    setBefore(after)
    setIsDirty(false)
  })
  const remove = useDeleteSpider(() => void router.navigate({ to: '/spiders' }))
  useLeaving(isDirty)
  return (
    <Form<Fields>
      form={form}
      name="spider"
      layout="vertical"
      disabled={!mayEdit}
      initialValues={before}
      onValuesChange={() => setIsDirty(true)}
      onFinish={save}
      scrollToFirstError
      style={{ maxWidth: 900 }}
    >
      <Flex vertical gap="middle">
        <Card title={t('settings.basics')}>
          <BasicFields />
        </Card>
        <Card title={t('settings.running')}>
          <RunFields />
        </Card>
        <Card title={t('settings.limits')}>
          <LimitFields />
        </Card>
        <Card title={t('settings.retries')}>
          <RetryFields />
        </Card>
        <Card title={t('settings.data')}>
          <DataFields />
        </Card>
        <Card title={t('settings.environment')}>
          <EnvVarFields />
        </Card>
        <Card title={t('settings.network')}>
          <NetworkFields />
        </Card>
        <Card title={t('settings.retention')}>
          <RetentionFields />
        </Card>
        {error !== null && <ErrorAlert error={error} />}
        {mayEdit && (
          <>
            <Flex style={{ position: 'sticky', bottom: 12, zIndex: 5 }}>
              <Button type="primary" htmlType="submit" loading={isSaving} size="large">
                {c('action.save')}
              </Button>
            </Flex>
            <Card title={t('settings.danger')}>
              <ConfirmButton
                question={t('deleteQuestion', { name: spider.name })}
                consequence={t('deleteHint')}
                onConfirm={() => {
                  setIsDirty(false)
                  return remove.mutateAsync(spider.id)
                }}
              >
                {t('deleteSpider')}
              </ConfirmButton>
            </Card>
          </>
        )}
      </Flex>
    </Form>
  )
}

/** Asks before what is not saved is left behind. */
function useLeaving(isDirty: boolean) {
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
