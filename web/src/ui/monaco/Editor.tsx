import { useEffect, useRef } from 'react'

import type { CodeEditorProps } from '../CodeEditor'
import { languageOf, monaco, OPTIONS } from './monaco'

interface Props extends CodeEditorProps {
  isDark: boolean
}

export default function Editor({ path, value, onChange, onSave, isReadOnly, height = 480, label, isDark }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const editor = useRef<monaco.editor.IStandaloneCodeEditor>(null)
  const latest = useRef({ onChange, onSave })
  useEffect(() => {
    latest.current = { onChange, onSave }
  })
  useEffect(() => {
    const made = monaco.editor.create(place.current!, { ...OPTIONS, model: null })
    made.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.KeyS, () => latest.current.onSave?.())
    made.onDidChangeModelContent(() => latest.current.onChange?.(made.getValue()))
    editor.current = made
    return () => {
      made.getModel()?.dispose()
      made.dispose()
    }
  }, [])
  useEffect(() => {
    const old = editor.current!.getModel()
    editor.current!.setModel(monaco.editor.createModel('', languageOf(path)))
    old?.dispose()
  }, [path])
  useEffect(() => {
    const model = editor.current!.getModel()
    if (model && model.getValue() !== value) model.setValue(value)
  }, [path, value])
  useEffect(() => {
    editor.current!.updateOptions({ readOnly: isReadOnly ?? false, ariaLabel: label })
  }, [isReadOnly, label])
  useEffect(() => monaco.editor.setTheme(isDark ? 'vs-dark' : 'vs'), [isDark])
  return <div ref={place} style={{ height, width: '100%' }} />
}
