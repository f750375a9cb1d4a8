import { getRouteApi } from '@tanstack/react-router'
import { Flex } from 'antd'

import { ErrorGroups } from './errors/ErrorGroups'
import { LogSearch } from './errors/LogSearch'

const route = getRouteApi('/inside/spiders/$spiderId/errors')

/** What went wrong in a spider's runs, and a search through their logs. */
export function ErrorsTab() {
  const { spiderId } = route.useParams()
  return (
    <Flex vertical gap="large" key={spiderId}>
      <ErrorGroups spiderId={spiderId} />
      <LogSearch spiderId={spiderId} />
    </Flex>
  )
}
