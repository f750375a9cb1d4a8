import { useMutation, useQueryClient } from '@tanstack/react-query'
import { App } from 'antd'

import { errorText } from '../ui/errorText'
import { refresh } from './client'

interface Options<I, O> {
  /** What to read again afterwards: addresses, as {@link refresh} takes them. */
  refreshes?: string[]
  /** What to tell when it is done. */
  done?: string | ((output: O, input: I) => string)
  onSuccess?: (output: O, input: I) => void
  /** The caller shows the error itself, as a form does. */
  isQuiet?: boolean
}

/** Something that is changed on the server. Its error is told, unless `isQuiet`. */
export function useChange<I, O>(change: (input: I) => Promise<O>, options: Options<I, O> = {}) {
  const client = useQueryClient()
  const { message } = App.useApp()
  return useMutation<O, Error, I>({
    mutationFn: change,
    onSuccess: async (output, input) => {
      const said = typeof options.done === 'function' ? options.done(output, input) : options.done
      if (said) message.success(said)
      options.onSuccess?.(output, input)
      if (options.refreshes) await refresh(client, ...options.refreshes)
    },
    onError: (error) => {
      if (!options.isQuiet) message.error(errorText(error), 6)
    },
  })
}
