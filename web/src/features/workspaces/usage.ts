import type { Sandbox } from './addresses'

export const MIB = 1024 * 1024

/** Whether nothing more is taken in until some of its files are deleted. */
export const isFull = ({ usage, limits }: Pick<Sandbox, 'usage' | 'limits'>) => usage.bytes >= limits.disk_mb * MIB
