import { useEffect, useRef } from 'react'

import type { DiffProps } from '../CodeEditor'
import { languageOf, monaco, OPTIONS } from './monaco'

interface Props extends DiffProps {
  isDark: boolean
}

export default function Diff({ path, before, after, height = 420, isDark }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const editor = useRef<monaco.editor.IStandaloneDiffEditor>(null)
  useEffect(() => {
    const made = monaco.editor.createDiffEditor(place.current!, { ...OPTIONS, readOnly: true })
    editor.current = made
    return () => made.dispose()
  }, [])
  useEffect(() => {
    const models = [before, after].map((text) => monaco.editor.createModel(text, languageOf(path)))
    editor.current!.setModel({ original: models[0]!, modified: models[1]! })
    return () => models.forEach((model) => model.dispose())
  }, [path, before, after])
  useEffect(() => monaco.editor.setTheme(isDark ? 'vs-dark' : 'vs'), [isDark])
  return <div ref={place} style={{ height, width: '100%' }} />
}
