import { useLayoutEffect, useRef } from 'react'

import type { CodeEditorProps } from '../CodeEditor'
import { languageOf, monaco, OPTIONS, setTheme } from './monaco'

interface Props extends CodeEditorProps {
  isDark: boolean
}

export default function Editor({ path, value, onChange, onSave, isReadOnly, height = 480, label, isDark }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const editor = useRef<monaco.editor.IStandaloneCodeEditor>(null)
  const latest = useRef({ onChange, onSave })
  // What is put in is not typed: Monaco makes line ends alike, which would count as a change.
  const isFilled = useRef(false)
  // All before anything else happens: a key may be pressed at any time, to save what was just typed, or to type on.
  useLayoutEffect(() => {
    latest.current = { onChange, onSave }
  })
  useLayoutEffect(() => {
    const made = monaco.editor.create(place.current!, { ...OPTIONS, model: null })
    made.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.KeyS, () => latest.current.onSave?.())
    made.onDidChangeModelContent(() => {
      if (!isFilled.current) latest.current.onChange?.(made.getModel()!.getValue(undefined, true))
    })
    editor.current = made
    return () => {
      made.getModel()?.dispose()
      made.dispose()
    }
  }, [])
  useLayoutEffect(() => {
    const old = editor.current!.getModel()
    editor.current!.setModel(monaco.editor.createModel('', languageOf(path)))
    old?.dispose()
  }, [path])
  useLayoutEffect(() => {
    const model = editor.current!.getModel()
    if (!model || model.getValue(undefined, true) === value) return
    isFilled.current = true
    model.setValue(value)
    isFilled.current = false
  }, [path, value])
  useLayoutEffect(() => {
    editor.current!.updateOptions({ readOnly: isReadOnly ?? false, ariaLabel: label })
  }, [isReadOnly, label])
  useLayoutEffect(() => setTheme(isDark), [isDark])
  return <div ref={place} style={{ height, width: '100%' }} />
}
