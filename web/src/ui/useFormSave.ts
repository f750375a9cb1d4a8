import type { FormInstance } from 'antd'
import { useState } from 'react'

import { placeErrors } from './formErrors'

/** Saves what stands in a form. What the server refuses is told at the fields, the rest is `error`; the input stays. */
export function useFormSave<F extends object>(form: FormInstance<F>, onSave: (fields: F) => Promise<unknown>) {
  const [error, setError] = useState<unknown>(null)
  const [isSaving, setIsSaving] = useState(false)
  /** Whether it is saved. */
  const save = async (fields: F): Promise<boolean> => {
    setError(null)
    setIsSaving(true)
    try {
      await onSave(fields)
      return true
    } catch (refused) {
      const known = form.getFieldsError().map(({ name }) => name)
      const { fields: placed, rest } = placeErrors(refused, known)
      // By paths that the form itself gave.
      form.setFields(placed as Parameters<typeof form.setFields>[0])
      const [first] = placed
      // A long form may show another part of itself.
      if (first) form.scrollToField(first.name as Parameters<typeof form.scrollToField>[0], { focus: true })
      setError(rest)
      return false
    } finally {
      setIsSaving(false)
    }
  }
  return { save, isSaving, error }
}
