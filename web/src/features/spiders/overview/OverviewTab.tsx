import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Col, Flex, Row } from 'antd'

import { get } from '../../../api/client'
import { Loaded } from '../../../ui/Loaded'
import { Facts } from './Facts'
import { LatestRuns } from './LatestRuns'
import { NextRuns } from './NextRuns'
import { TopErrors } from './TopErrors'

const route = getRouteApi('/inside/spiders/$spiderId')

/** How it does, and what comes next. */
export function OverviewTab() {
  const { spiderId: id } = route.useParams()
  const query = useQuery(get('/platform/api/crawlhub/spiders/{id}', { params: { path: { id } } }))
  return (
    <Loaded query={query}>
      {(spider) => (
        <Flex vertical gap="middle">
          <LatestRuns spiderId={id} />
          <Row gutter={[16, 16]}>
            <Col xs={24} lg={10}>
              <Facts spider={spider} />
            </Col>
            <Col xs={24} lg={6}>
              <NextRuns spider={spider} />
            </Col>
            <Col xs={24} lg={8}>
              <TopErrors spiderId={id} />
            </Col>
          </Row>
        </Flex>
      )}
    </Loaded>
  )
}
