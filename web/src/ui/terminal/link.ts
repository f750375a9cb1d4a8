import { endOf, type End } from './end'

/** What is typed may be long; a server takes no larger frames. In bytes. */
const LARGEST_FRAME = 64 * 1024

export interface Size {
  cols: number
  rows: number
}

interface Told {
  onOpen: () => void
  onBytes: (bytes: Uint8Array) => void
  onEnd: (end: End) => void
}

/** A terminal of the server's over a WebSocket: binary frames are bytes both ways, text frames are JSON. */
export class TerminalLink {
  private readonly socket: WebSocket
  private wasOpen = false
  private exitCode: number | null = null

  /** `path` is of this site. */
  constructor(path: string, { cols, rows }: Size, { onOpen, onBytes, onEnd }: Told) {
    const address = new URL(`${path}?cols=${cols}&rows=${rows}`, location.origin)
    address.protocol = address.protocol.replace('http', 'ws')
    this.socket = new WebSocket(address)
    this.socket.binaryType = 'arraybuffer'
    this.socket.onopen = () => {
      this.wasOpen = true
      onOpen()
    }
    this.socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data === 'string') this.exitCode = exitCodeIn(data) ?? this.exitCode
      else onBytes(new Uint8Array(data))
    }
    this.socket.onclose = ({ code }) =>
      onEnd(endOf({ wasOpen: this.wasOpen, exitCode: this.exitCode, closeCode: code }))
  }

  type(bytes: Uint8Array<ArrayBuffer>) {
    if (this.socket.readyState !== WebSocket.OPEN) return
    for (let from = 0; from < bytes.length; from += LARGEST_FRAME) {
      this.socket.send(bytes.subarray(from, from + LARGEST_FRAME))
    }
  }

  resize({ cols, rows }: Size) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ resize: { cols, rows } }))
  }

  /** Nothing more is told. */
  close() {
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null
    this.socket.close()
  }
}

/** Of `{"exit":{"code":0}}`; what is said in other words is for somebody else. */
function exitCodeIn(text: string): number | null {
  try {
    const said = JSON.parse(text) as { exit?: { code?: unknown } } | null
    return typeof said?.exit?.code === 'number' ? said.exit.code : null
  } catch {
    return null
  }
}
