import type { EChartsOption } from 'echarts'

import type { Schemas } from '../../../api/client'
import { shortTime } from '../../../ui/format'

type Task = Schemas['Task']

/** Seconds that it ran; null where it has not ended, or never began. */
export function seconds({ started_at, finished_at }: Pick<Task, 'started_at' | 'finished_at'>): number | null {
  if (!started_at || !finished_at) return null
  return Math.round((new Date(finished_at).getTime() - new Date(started_at).getTime()) / 100) / 10
}

/** Bars of items in the colour of how it ended, a line of seconds. */
export function runsOption(
  tasks: Task[],
  names: Record<'items' | 'seconds', string>,
  colors: Record<Task['status'], string>,
  lineColor: string,
): EChartsOption {
  return {
    tooltip: { trigger: 'axis' },
    legend: { top: 0 },
    grid: { left: 8, right: 8, top: 36, bottom: 4 },
    xAxis: { type: 'category', data: tasks.map((task) => shortTime(task.started_at ?? task.created_at)) },
    yAxis: [
      { type: 'value', minInterval: 1 },
      { type: 'value', splitLine: { show: false }, axisLabel: { color: lineColor } },
    ],
    series: [
      {
        type: 'bar',
        name: names.items,
        barMaxWidth: 24,
        color: colors.completed,
        data: tasks.map((task) => ({ value: task.success_count, itemStyle: { color: colors[task.status] } })),
      },
      { type: 'line', name: names.seconds, yAxisIndex: 1, color: lineColor, data: tasks.map(seconds) },
    ],
  }
}
