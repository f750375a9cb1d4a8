import { useQuery } from '@tanstack/react-query'
import { Flex, Radio, Typography } from 'antd'
import { useTranslation } from 'react-i18next'

import { get } from '../../../api/client'
import { Loaded } from '../../../ui/Loaded'

/** No template: its files are uploaded afterwards. */
export const NONE = ''

interface Props {
  id?: string
  value?: string
  onChange?: (template: string) => void
}

/** What a new spider starts from. `Form.Item` gives it its value. */
export function TemplateChoice({ id, value, onChange }: Props) {
  const { t } = useTranslation('spiders')
  const query = useQuery({ ...get('/platform/api/crawlhub/spiders/templates'), staleTime: Infinity })
  const described = (name: string) => {
    if (name === 'script' || name === 'async' || name === 'scrapy')
      return t(`templates.${name}`, { returnObjects: true })
    return { name, hint: '' }
  }
  return (
    <Loaded query={query}>
      {(templates) => (
        <Radio.Group
          id={id}
          aria-label={t('template')}
          value={value}
          onChange={(event) => onChange?.(event.target.value as string)}
        >
          <Flex vertical gap="small">
            {[
              ...templates.map(({ name }) => ({ value: name, ...described(name) })),
              { value: NONE, ...t('noTemplate', { returnObjects: true }) },
            ].map(({ value, name, hint }) => (
              <Radio key={value} value={value}>
                {name}
                <Typography.Text type="secondary" style={{ display: 'block' }}>
                  {hint}
                </Typography.Text>
              </Radio>
            ))}
          </Flex>
        </Radio.Group>
      )}
    </Loaded>
  )
}
