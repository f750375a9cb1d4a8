import { resolve } from 'node:path'

import type { Plugin } from 'vite'

/** Whose module imports what, and what of `src/ui/antd` is taken instead: without it pages would load what they never show. */
const INSTEAD = [
  ['@ant-design/icons/es/icons/', '../components/AntdIconLight', 'SilentIcon.tsx'],
  // Tables are filtered by no tree, and their rows are not chosen.
  ['antd/es/table/hooks/useFilter/', './FilterDropdown', 'Nothing.ts'],
  ['antd/es/table/', './hooks/useSelection', 'noSelection.ts'],
  // Texts are not edited where they stand.
  ['antd/es/typography/Base/', '../Editable', 'Nothing.ts'],
  ['antd/es/card/', '../tabs', 'Nothing.ts'],
  ['antd/es/button/style/', '../../color-picker/components/ColorPresets', 'Nothing.ts'],
  ['antd/es/form/context', '@rc-component/form', 'formProvider.ts'],
] as const

/** Takes parts of antd out of what is built; `npm run dev` has them. */
export const lighterAntd: Plugin = {
  name: 'lighter-antd',
  enforce: 'pre',
  apply: 'build',
  resolveId(source, importer) {
    const found = INSTEAD.find(([by, what]) => source === what && importer?.includes(`/node_modules/${by}`))
    return found && resolve(import.meta.dirname, 'src/ui/antd', found[2])
  },
}
