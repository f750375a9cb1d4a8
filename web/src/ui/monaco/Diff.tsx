import { useEffect, useRef } from 'react'

import type { DiffProps } from '../CodeEditor'
import { languageOf, monaco, OPTIONS, setTheme } from './monaco'

interface Props extends DiffProps {
  isDark: boolean
}

export default function Diff({ path, before, after, height = 420, isDark }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const editor = useRef<monaco.editor.IStandaloneDiffEditor>(null)
  useEffect(() => {
    editor.current = monaco.editor.createDiffEditor(place.current!, { ...OPTIONS, readOnly: true })
  }, [])
  useEffect(() => {
    const models = [before, after].map((text) => monaco.editor.createModel(text, languageOf(path)))
    const shown = editor.current!
    shown.setModel({ original: models[0]!, modified: models[1]! })
    shown.getOriginalEditor().updateOptions({ ariaLabel: `− ${path}` })
    shown.getModifiedEditor().updateOptions({ ariaLabel: `+ ${path}` })
    return () => {
      shown.setModel(null)
      models.forEach((model) => model.dispose())
    }
  }, [path, before, after])
  // Behind the above: what is shown goes before the editor does.
  useEffect(() => () => editor.current!.dispose(), [])
  useEffect(() => setTheme(isDark), [isDark])
  return <div ref={place} style={{ height, width: '100%' }} />
}
