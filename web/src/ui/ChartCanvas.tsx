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
    const axis = { axisLine: { lineStyle: { color: lineColor } }, splitLine: { lineStyle: { color: lineColor } } }
    chart.current?.setOption({ backgroundColor: 'transparent', textStyle: { color: textColor }, ...option }, true)
    chart.current?.setOption({
      ...(option.xAxis ? { xAxis: { ...axis, axisLabel: { color: textColor } } } : {}),
      ...(option.yAxis ? { yAxis: { ...axis, axisLabel: { color: textColor } } } : {}),
      ...(option.legend ? { legend: { textStyle: { color: textColor } } } : {}),
    })
  }, [option, textColor, lineColor])
  return <div ref={place} role="img" aria-label={label} style={{ height, width: '100%' }} />
}
