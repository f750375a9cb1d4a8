import Icon from '@ant-design/icons/es/components/AntdIconLight'
import type { ComponentProps } from 'react'

/** What all icons are made by: they would be read out by the names of their pictures, as
 * "play-circle Run". One that says something of its own has an `aria-label`. */
export default function SilentIcon(props: ComponentProps<typeof Icon>) {
  const silence = 'aria-label' in props ? {} : { role: undefined, 'aria-label': undefined, 'aria-hidden': true }
  return <Icon {...silence} {...props} />
}
