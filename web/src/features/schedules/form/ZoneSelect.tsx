import { Select } from 'antd'
import { useMemo, useState } from 'react'

import { offsetName, zones } from '../time/zone'

interface Props {
  id?: string
  value?: string
  onChange?: (zone: string) => void
}

/** A time zone, found by its name or by how far it is from UTC. */
export function ZoneSelect({ id, value, onChange }: Props) {
  const [now] = useState(() => Date.now())
  // Hundreds of them, each with a clock of its own.
  const options = useMemo(
    () => zones().map((zone) => ({ value: zone, label: `${zone.replaceAll('_', ' ')} (${offsetName(zone, now)})` })),
    [now],
  )
  return (
    <Select<string>
      id={id}
      value={value}
      onChange={onChange}
      options={options}
      showSearch={{ optionFilterProp: 'label' }}
    />
  )
}
