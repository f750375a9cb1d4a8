import type { Texts } from '..'
import type zh from '../zh/terminal'

export default {
  title: 'Terminal',
  again: 'Connect again',
  read: 'Screen reader mode',
  keys: 'Ctrl+F6 leaves the terminal; Ctrl+C copies what is selected, Ctrl+V pastes',
  skipped: '[printed too fast: some of it is not shown]',
  leaveHint: 'What runs in the terminal is ended',
  phase: { opening: 'Connecting', open: 'Connected', over: 'Not connected' },
  end: {
    exit: 'The shell has ended (exit code {{code}})',
    gone: 'The container in which it ran is stopped',
    lost: 'The connection to the server is lost; what ran in the terminal is ended',
    refused: 'The terminal could not be opened; try again in a moment',
    tooMany: '{{count}} terminals are open, which is the most; close one first',
    idle: 'Nobody typed for {{count}} minutes, so the terminal was closed',
    full: 'There is no room left, so the terminal was closed; delete some files first',
    closed: 'The server closed the terminal: it is being restarted, or your role has changed',
  },
} satisfies Texts<typeof zh>
