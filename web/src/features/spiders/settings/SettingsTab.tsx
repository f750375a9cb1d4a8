import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'

import { Loaded } from '../../../ui/Loaded'
import { spiderOf } from '../addresses'
import { SettingsForm } from './SettingsForm'

const route = getRouteApi('/inside/spiders/$spiderId')

/** All that is set of a spider. */
export function SettingsTab() {
  const { spiderId: id } = route.useParams()
  const query = useQuery(spiderOf(id))
  return <Loaded query={query}>{(spider) => <SettingsForm key={id} spider={spider} />}</Loaded>
}
