import { FitAddon } from '@xterm/addon-fit'
import { Terminal, type ITheme } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'

import type { Size } from './link'

/** What may wait to be drawn; a program that prints faster is not drawn whole. In bytes. */
const MOST_WAITING = 8 * 1024 * 1024
const SCROLLBACK = 5000
/** Whatever a program left behind: its own screen, the mouse, colours. */
const AS_BEFORE = '\u001b[?1049l\u001b[!p\u001b[?1000;1002;1003;1006;2004l\u001b[0m'

const LIGHT: ITheme = {
  background: '#ffffff',
  foreground: '#1f1f1f',
  cursor: '#1f1f1f',
  cursorAccent: '#ffffff',
  selectionBackground: '#b5d3ff',
}
const DARK: ITheme = {
  background: '#141414',
  foreground: '#e3e3e3',
  cursor: '#e3e3e3',
  cursorAccent: '#141414',
  selectionBackground: '#264f78',
}

interface Wired {
  onType: (bytes: Uint8Array<ArrayBuffer>) => void
  onResize: (size: Size) => void
  /** Somebody wants to go on elsewhere by keys. */
  onLeave: () => void
  /** What is said in place of what was not drawn. */
  skippedText: string
}

/** What a terminal shows, and what is typed into it. */
export class Screen {
  private readonly terminal: Terminal
  private readonly fitting = new FitAddon()
  private readonly watcher: ResizeObserver
  private waiting = 0
  private hasSkipped = false

  constructor(
    private readonly host: HTMLElement,
    private readonly wired: Wired,
  ) {
    const terminal = new Terminal({
      scrollback: SCROLLBACK,
      fontFamily: 'ui-monospace, Menlo, Consolas, "Noto Sans Mono CJK SC", monospace',
      fontSize: 13,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      // Programs choose their colours for one ground only.
      minimumContrastRatio: 4.5,
    })
    this.terminal = terminal
    terminal.loadAddon(this.fitting)
    terminal.open(host)
    const letters = new TextEncoder()
    terminal.onData((text) => wired.onType(letters.encode(text)))
    terminal.onBinary((text) => wired.onType(Uint8Array.from(text, (letter) => letter.charCodeAt(0))))
    terminal.onResize(wired.onResize)
    terminal.attachCustomKeyEventHandler((event) => this.isTyped(event))
    this.watcher = new ResizeObserver(() => this.fit())
    this.watcher.observe(host)
    this.fit()
  }

  get size(): Size {
    return { cols: this.terminal.cols, rows: this.terminal.rows }
  }

  write(bytes: Uint8Array) {
    if (this.waiting > MOST_WAITING) {
      this.hasSkipped = true
      return
    }
    this.waiting += bytes.length
    this.terminal.write(bytes, () => {
      this.waiting -= bytes.length
      if (this.waiting === 0 && this.hasSkipped) {
        this.hasSkipped = false
        this.terminal.write(`${AS_BEFORE}\r\n${this.wired.skippedText}\r\n`)
      }
    })
  }

  /** For another shell, below what the former one showed. */
  renew() {
    const { buffer, cols } = this.terminal
    const isFresh = buffer.active.baseY === 0 && buffer.active.cursorY === 0 && buffer.active.cursorX === 0
    if (!isFresh) this.terminal.write(`${AS_BEFORE}\r\n${'─'.repeat(Math.max(1, cols - 1))}\r\n`)
  }

  focus() {
    this.terminal.focus()
  }

  /** What is typed into it is called. */
  label(text: string) {
    this.terminal.textarea?.setAttribute('aria-label', text)
  }

  setDark(isDark: boolean) {
    this.terminal.options.theme = isDark ? DARK : LIGHT
  }

  /** Its lines as text that is read out, which takes time where much is printed. */
  setRead(isRead: boolean) {
    this.terminal.options.screenReaderMode = isRead
  }

  dispose() {
    this.watcher.disconnect()
    this.terminal.dispose()
  }

  private fit() {
    // Not while it is out of sight.
    if (this.host.clientWidth > 0 && this.host.clientHeight > 0) this.fitting.fit()
  }

  /** False for keys that are the browser's, or this page's. */
  private isTyped(event: KeyboardEvent): boolean {
    const isControl = event.ctrlKey && !event.altKey && !event.metaKey
    if (isControl && event.key === 'F6') {
      if (event.type === 'keydown') this.wired.onLeave()
      event.preventDefault()
      return false
    }
    if (!isControl || event.shiftKey) return true
    // The browser copies what is chosen; without that it is an interrupt.
    return event.key === 'c' ? !this.terminal.hasSelection() : event.key !== 'v'
  }
}
