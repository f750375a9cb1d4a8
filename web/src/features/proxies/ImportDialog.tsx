import { Checkbox, Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

import { api, dataOf } from '../../api/client'
import { useChange } from '../../api/useChange'
import { FormDialog } from '../../ui/FormDialog'
import { atLines } from './lineErrors'
import { PROXIES } from './proxy'

interface Fields {
  text: string
  skip_existing: boolean
}

interface Props {
  isOpen: boolean
  onClose: () => void
}

const EXAMPLE = 'http://user:password@203.0.113.7:8080\nsocks5://203.0.113.8:1080\n203.0.113.9:3128:user:password'

/** Many proxies at once, one a line. */
export function ImportDialog({ isOpen, onClose }: Props) {
  const { t } = useTranslation('proxies')
  const { t: c } = useTranslation()
  const save = useChange(
    (body: Fields) =>
      dataOf<unknown>(api.POST(`${PROXIES}/batch`, { body: { ...body, proxies: [] } })).catch((error: unknown) => {
        throw atLines(
          error,
          (line, msg) => t('import.line', { line, msg }),
          (count) => t('import.more', { count }),
        )
      }),
    { refreshes: [PROXIES], isQuiet: true, done: (count) => t('import.done', { count: Number(count) }) },
  )
  return (
    <FormDialog<Fields>
      title={t('import.open')}
      isOpen={isOpen}
      onClose={onClose}
      initial={{ skip_existing: true }}
      onSave={save.mutateAsync}
      saveText={t('import.save')}
    >
      <Form.Item
        name="text"
        label={t('import.text')}
        extra={t('import.hint')}
        rules={[{ required: true, whitespace: true, message: c('word.required') }]}
      >
        <Input.TextArea rows={10} placeholder={EXAMPLE} spellCheck={false} style={{ fontFamily: 'monospace' }} />
      </Form.Item>
      <Form.Item name="skip_existing" valuePropName="checked">
        <Checkbox>{t('import.skip')}</Checkbox>
      </Form.Item>
    </FormDialog>
  )
}
