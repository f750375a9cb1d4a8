import { useMutation, useQueryClient } from '@tanstack/react-query'
import { App } from 'antd'
import { useCallback, useRef } from 'react'

import { errorText } from '../ui/errorText'
import { changed } from './client'

interface Options<I, O> {
  /** What to read again afterwards: addresses, as {@link changed} takes them. */
  refreshes?: string[]
  /** What to tell when it is done. */
  done?: string | ((output: O, input: I) => string)
  onSuccess?: (output: O, input: I) => void
  /** The caller shows the error itself, as a form does. */
  isQuiet?: boolean
}

/** Something that is changed on the server. Its error is told, unless `isQuiet`. What is asked for again before it is done,
 * by a second click, is not done twice. */
export function useChange<I, O>(change: (input: I) => Promise<O>, options: Options<I, O> = {}) {
  const client = useQueryClient()
  const { message } = App.useApp()
  /** The inputs of what goes on, as JSON. */
  const running = useRef(new Set<string>())
  const mutation = useMutation<O, Error, I>({
    mutationFn: change,
    onSuccess: async (output, input) => {
      const said = typeof options.done === 'function' ? options.done(output, input) : options.done
      if (said) message.success(said)
      options.onSuccess?.(output, input)
      if (options.refreshes) await changed(client, ...options.refreshes)
    },
    onError: (error) => {
      if (!options.isQuiet) message.error(errorText(error), 6)
    },
    onSettled: (_output, _error, input) => {
      running.current.delete(JSON.stringify(input))
    },
  })
  const { mutate } = mutation
  const once: typeof mutate = useCallback(
    (...given) => {
      const key = JSON.stringify(given[0])
      if (running.current.has(key)) return
      running.current.add(key)
      mutate(...given)
    },
    [mutate],
  )
  return { ...mutation, mutate: once }
}
