import { useTranslation } from 'react-i18next'

import { api, type Schemas } from '../../api/client'
import { useChange } from '../../api/useChange'
import { FormDialog } from '../../ui/FormDialog'
import { DATASOURCES } from './addresses'
import { bodyOf, fieldsOf, type Fields } from './fields'
import { SourceFields } from './SourceFields'
import { TestGiven } from './TestGiven'

interface Props {
  /** Null: a new one. */
  source: Schemas['DataSource'] | null
  isOpen: boolean
  onClose: () => void
}

export function SourceDialog({ source, isOpen, onClose }: Props) {
  const { t } = useTranslation('datasources')
  const { t: c } = useTranslation()
  const save = useChange(
    (fields: Fields) =>
      source
        ? api.PUT(`${DATASOURCES}/{id}`, { params: { path: { id: source.id } }, body: bodyOf(fields) })
        : api.POST(DATASOURCES, { body: bodyOf(fields) }),
    { refreshes: [DATASOURCES], isQuiet: true, done: c('said.saved') },
  )
  return (
    <FormDialog<Fields>
      title={t(source ? 'edit' : 'create')}
      isOpen={isOpen}
      onClose={onClose}
      initial={fieldsOf(source)}
      isStored={source !== null}
      onSave={save.mutateAsync}
    >
      <SourceFields isNew={source === null} />
      {/* Of a stored one the password is not here: it is tested in the list. */}
      {source === null && <TestGiven />}
    </FormDialog>
  )
}
