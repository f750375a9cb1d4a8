import { Form, Input, Radio } from 'antd'
import { useTranslation } from 'react-i18next'

import type { Access, AccessFields } from './access'

interface Props {
  /** The ways in that there are to choose from. */
  ways: readonly Access[]
  isRequired?: boolean
}

/** Where a repository is, and how it is opened. */
export function RepositoryFields({ ways, isRequired }: Props) {
  const { t } = useTranslation('projects')
  const { t: c } = useTranslation()
  const form = Form.useFormInstance<AccessFields>()
  const access = Form.useWatch('access', form) as Access | undefined
  const needed = [{ required: true, whitespace: true, message: c('word.required') }]
  return (
    <>
      <Form.Item name="git_url" label={t('git.url')} extra={t('git.urlHint')} rules={isRequired ? needed : undefined}>
        <Input
          inputMode="url"
          maxLength={2000}
          placeholder="https://git.example.com/team/news.git"
          autoComplete="off"
          spellCheck={false}
        />
      </Form.Item>
      <Form.Item name="git_branch" label={t('git.branch')} extra={t('git.branchHint')}>
        <Input maxLength={255} placeholder={t('git.usualBranch')} autoComplete="off" spellCheck={false} />
      </Form.Item>
      <Form.Item name="access" label={t('git.access')}>
        <Radio.Group options={ways.map((value) => ({ value, label: t(`git.ways.${value}`) }))} />
      </Form.Item>
      {access === 'token' && (
        <Form.Item name="git_token" label={t('git.token')} extra={t('git.tokenHint')} rules={needed}>
          <Input.Password autoComplete="new-password" />
        </Form.Item>
      )}
      {access === 'key' && (
        <Form.Item name="git_key" label={t('git.key')} extra={t('git.keyHint')} rules={needed}>
          <Input.TextArea
            autoSize={{ minRows: 4, maxRows: 10 }}
            placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
            style={{ fontFamily: 'ui-monospace, Menlo, Consolas, monospace' }}
            autoComplete="off"
            spellCheck={false}
            dir="ltr"
          />
        </Form.Item>
      )}
    </>
  )
}
