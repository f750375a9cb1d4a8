import { Skeleton, theme } from 'antd'
import type { EChartsOption } from 'echarts'
import { lazy, Suspense } from 'react'

const Canvas = lazy(() => import('./ChartCanvas'))

export interface ChartProps {
  option: EChartsOption
  height?: number
  /** What it shows, for those who do not see it. */
  label: string
}

/** A chart in the colours of the theme; its library comes when the first one is shown. */
export function Chart(props: ChartProps) {
  const { token } = theme.useToken()
  return (
    <Suspense fallback={<Skeleton active style={{ height: props.height ?? 260 }} />}>
      <Canvas {...props} textColor={token.colorTextSecondary} lineColor={token.colorBorderSecondary} />
    </Suspense>
  )
}
