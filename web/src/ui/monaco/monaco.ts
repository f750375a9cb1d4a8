// Only what spiders are written in: the whole of Monaco is several times as much.
import * as monaco from 'monaco-editor/editor'
import EditorWorker from 'monaco-editor/editor/editor.worker?worker'
import 'monaco-editor/features/bracketMatching/register'
import 'monaco-editor/features/clipboard/register'
import 'monaco-editor/features/codeEditor/register'
import 'monaco-editor/features/codicon/register'
import 'monaco-editor/features/comment/register'
import 'monaco-editor/features/cursorUndo/register'
import 'monaco-editor/features/diffEditor/register'
import 'monaco-editor/features/find/register'
import 'monaco-editor/features/folding/register'
import 'monaco-editor/features/indentation/register'
import 'monaco-editor/features/linesOperations/register'
import 'monaco-editor/features/multicursor/register'
import 'monaco-editor/features/suggest/register'
import 'monaco-editor/features/toggleTabFocusMode/register'
import 'monaco-editor/features/unicodeHighlighter/register'
import 'monaco-editor/features/wordOperations/register'
import 'monaco-editor/languages/definitions/css/register'
import 'monaco-editor/languages/definitions/html/register'
import 'monaco-editor/languages/definitions/ini/register'
import 'monaco-editor/languages/definitions/javascript/register'
import 'monaco-editor/languages/definitions/markdown/register'
import 'monaco-editor/languages/definitions/python/register'
import 'monaco-editor/languages/definitions/shell/register'
import 'monaco-editor/languages/definitions/sql/register'
import 'monaco-editor/languages/definitions/xml/register'
import 'monaco-editor/languages/definitions/yaml/register'

declare global {
  interface Window {
    MonacoEnvironment?: monaco.editor.IEditorConstructionOptions & { getWorker: () => Worker }
  }
}

window.MonacoEnvironment = { getWorker: () => new EditorWorker() }

const LANGUAGES: Record<string, string> = {
  py: 'python',
  js: 'javascript',
  mjs: 'javascript',
  json: 'javascript',
  yml: 'yaml',
  yaml: 'yaml',
  cfg: 'ini',
  ini: 'ini',
  toml: 'ini',
  md: 'markdown',
  html: 'html',
  css: 'css',
  xml: 'xml',
  sql: 'sql',
  sh: 'shell',
}

/** By the end of a file's name. */
export function languageOf(path: string): string {
  return LANGUAGES[path.split('.').pop()?.toLowerCase() ?? ''] ?? 'plaintext'
}

/** Ctrl+M lets Tab leave the editor. */
export const OPTIONS: monaco.editor.IEditorOptions & monaco.editor.IGlobalEditorOptions = {
  automaticLayout: true,
  fontSize: 13,
  minimap: { enabled: false },
  // Dimmed, its number cannot be read.
  renderFinalNewline: 'on',
  scrollBeyondLastLine: false,
}

/** Differences are marked lightly enough to be read. */
const MARKS = {
  vs: { 'diffEditor.removedTextBackground': '#ff000018' },
  'vs-dark': {
    'diffEditor.removedTextBackground': '#ff000030',
    'diffEditor.insertedTextBackground': '#9ccc2c18',
    'diffEditor.insertedLineBackground': '#9ccc2c14',
  },
}
for (const base of ['vs', 'vs-dark'] as const) {
  monaco.editor.defineTheme(`crawlhub-${base}`, { base, inherit: true, rules: [], colors: MARKS[base] })
}

export const setTheme = (isDark: boolean) => monaco.editor.setTheme(isDark ? 'crawlhub-vs-dark' : 'crawlhub-vs')

export { monaco }
