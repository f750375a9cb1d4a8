import { useEffect, useEffectEvent, useRef, useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

import { isDark, subscribe } from '../../app/preferences/theme'
import { errorText } from '../errorText'
import { useLeaving } from '../useLeaving'
import type { End } from './end'
import { TerminalLink } from './link'
import { Screen } from './Screen'

export interface TerminalPlace {
  /** Of the API, where its WebSocket is. */
  path: string
  /** What it is called. */
  label: string
  /** Asks for what it is in, over the end of a session; throws why there can be none. */
  look: () => Promise<unknown>
  /** Why it was refused, or closed by the server, in the user's language. `typedAt`: when somebody typed last. */
  explain: (end: End, typedAt: number) => Promise<string>
}

export type Phase = { is: 'opening' } | { is: 'open' } | { is: 'over'; why: string }

/** A terminal in an element of the page: open while it is there. */
export function useTerminal({ path, label, look, explain }: TerminalPlace, isRead: boolean, onLeave: () => void) {
  const { t } = useTranslation('terminal')
  const dark = useSyncExternalStore(subscribe, isDark)
  const host = useRef<HTMLDivElement>(null)
  const screen = useRef<Screen | null>(null)
  const link = useRef<TerminalLink | null>(null)
  const typedAt = useRef(0)
  const [phase, setPhase] = useState<Phase>({ is: 'opening' })
  const [round, setRound] = useState(0)
  const [hasTyped, setHasTyped] = useState(false)

  const leave = useEffectEvent(onLeave)
  const makeScreen = useEffectEvent((element: HTMLElement) => {
    return new Screen(element, {
      onType: (bytes) => {
        typedAt.current = Date.now()
        setHasTyped(true)
        link.current?.type(bytes)
      },
      onResize: (size) => link.current?.resize(size),
      onLeave: () => leave(),
      skippedText: t('skipped'),
    })
  })
  useEffect(() => {
    const made = makeScreen(host.current!)
    screen.current = made
    return () => {
      screen.current = null
      made.dispose()
    }
  }, [])
  useEffect(() => screen.current?.label(label), [label])
  useEffect(() => screen.current?.setDark(dark), [dark])
  useEffect(() => screen.current?.setRead(isRead), [isRead])

  const connect = useEffectEvent(async (signal: AbortSignal) => {
    const over = (why: string) => {
      if (!signal.aborted) setPhase({ is: 'over', why })
    }
    try {
      await look()
      if (signal.aborted || !screen.current) return
      typedAt.current = Date.now()
      const made = new TerminalLink(path, screen.current.size, {
        onOpen: () => {
          setPhase({ is: 'open' })
          screen.current?.focus()
        },
        onBytes: (bytes) => screen.current?.write(bytes),
        onEnd: (end) => {
          explain(end, typedAt.current).then(over, (error: unknown) => over(errorText(error)))
        },
      })
      link.current = made
      signal.addEventListener('abort', () => made.close(), { once: true })
    } catch (error) {
      over(errorText(error))
    }
  })
  useEffect(() => {
    const stop = new AbortController()
    if (round > 0) screen.current?.renew()
    void connect(stop.signal)
    return () => {
      stop.abort()
      link.current = null
    }
  }, [path, round])

  // Ctrl+W is known to shells, and to browsers as something else.
  useLeaving(phase.is === 'open' && hasTyped, t('leaveHint'))
  const connectAgain = () => {
    setPhase({ is: 'opening' })
    setRound(round + 1)
  }
  return { host, phase, connectAgain, focus: () => screen.current?.focus() }
}
