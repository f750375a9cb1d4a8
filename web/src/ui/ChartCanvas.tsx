import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use as register, type ECharts } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'

import type { ChartProps } from './Chart'

register([BarChart, CanvasRenderer, GridComponent, LegendComponent, LineChart, TooltipComponent])

interface Props extends ChartProps {
  textColor: string
  lineColor: string
}

export default function ChartCanvas({ option, height = 260, label, textColor, lineColor }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts>(null)
  useEffect(() => {
    const made = init(place.current)
    chart.current = made
    const observer = new ResizeObserver(() => made.resize())
    observer.observe(place.current!)
    return () => {
      observer.disconnect()
      made.dispose()
    }
  }, [])
  useEffect(() => {
    const line = { lineStyle: { color: lineColor } }
    const axis = { axisLine: line, splitLine: line, axisLabel: { color: textColor } }
    chart.current?.setOption(
      {
        backgroundColor: 'transparent',
        textStyle: { color: textColor },
        ...option,
        xAxis: each(option.xAxis, axis),
        yAxis: each(option.yAxis, axis),
        legend: each(option.legend, { textStyle: { color: textColor } }),
      },
      true,
    )
  }, [option, textColor, lineColor])
  return <div ref={place} role="img" aria-label={label} style={{ height, width: '100%' }} />
}

/** One part of a chart, or several, each with this look but for what it says itself. */
function each<P extends object>(parts: P | P[] | undefined, look: object) {
  return Array.isArray(parts) ? parts.map((part) => ({ ...look, ...part })) : parts && { ...look, ...parts }
}
