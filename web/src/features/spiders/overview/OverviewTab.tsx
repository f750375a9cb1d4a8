import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Col, Flex, Row } from 'antd'

import { Loaded } from '../../../ui/Loaded'
import { spiderOf } from '../addresses'
import { Counts } from './Counts'
import { Facts } from './Facts'
import { LatestRuns } from './LatestRuns'
import { NextRuns } from './NextRuns'
import { Repository } from './Repository'
import { TopErrors } from './TopErrors'

const route = getRouteApi('/inside/spiders/$spiderId')

/** How it does, and what comes next. */
export function OverviewTab() {
  const { spiderId } = route.useParams()
  const query = useQuery(spiderOf(spiderId))
  return (
    <Loaded query={query}>
      {(spider) => (
        <Flex vertical gap="middle">
          <Counts spiderId={spiderId} />
          <LatestRuns spiderId={spiderId} />
          <Row gutter={[16, 16]}>
            <Col xs={24} lg={10}>
              <Flex vertical gap="middle">
                <Facts spider={spider} />
                {spider.source === 'git' && <Repository spiderId={spiderId} projectId={spider.project_id} />}
              </Flex>
            </Col>
            <Col xs={24} lg={14}>
              <Flex vertical gap="middle">
                <NextRuns spider={spider} />
                <TopErrors spiderId={spiderId} />
              </Flex>
            </Col>
          </Row>
        </Flex>
      )}
    </Loaded>
  )
}
