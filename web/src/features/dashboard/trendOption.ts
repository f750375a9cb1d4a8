import type { EChartsOption } from 'echarts'

import type { Got } from '../../api/client'

type Day = Got<'/platform/api/crawlhub/dashboard/trends'>[number]
type Of = Record<'completed' | 'failed' | 'items', string>

/** Bars of tasks, a line of items. */
export function trendOption(days: Day[], names: Of, colors: Of): EChartsOption {
  const bar = (of: 'completed' | 'failed') => ({
    type: 'bar' as const,
    stack: 'tasks',
    name: names[of],
    color: colors[of],
    barMaxWidth: 28,
    data: days.map((day) => day[of]),
  })
  return {
    tooltip: { trigger: 'axis' },
    legend: { top: 0 },
    grid: { left: 8, right: 8, top: 40, bottom: 4 },
    xAxis: { type: 'category', data: days.map((day) => day.date.slice(5)) },
    yAxis: [
      { type: 'value', minInterval: 1 },
      { type: 'value', minInterval: 1, splitLine: { show: false } },
    ],
    series: [
      bar('completed'),
      bar('failed'),
      { type: 'line', yAxisIndex: 1, name: names.items, color: colors.items, data: days.map((day) => day.items) },
    ],
  }
}
