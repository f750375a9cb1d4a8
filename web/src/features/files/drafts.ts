/** What somebody has changed in a file and not saved yet. */
export interface Draft {
  text: string
  /** What it was changed from. */
  base: string
  baseHash: string
}

/** By path. */
export type Drafts = Readonly<Record<string, Draft>>

export type DraftChange =
  | { type: 'edited'; path: string; text: string; base: string; baseHash: string }
  | { type: 'saved'; path: string; text: string; hash: string }
  | { type: 'dropped'; path: string }
  | { type: 'moved'; path: string; to: string }

export function draftsAfter(drafts: Drafts, change: DraftChange): Drafts {
  const { [change.path]: known, ...others } = drafts
  switch (change.type) {
    case 'edited': {
      // What it starts from stays what it was at the first change, whatever others save meanwhile.
      const { base, baseHash } = known ?? change
      return change.text === base ? others : { ...drafts, [change.path]: { text: change.text, base, baseHash } }
    }
    case 'saved':
      // Somebody may have typed on while it was being saved.
      if (!known || known.text === change.text) return others
      return { ...drafts, [change.path]: { text: known.text, base: change.text, baseHash: change.hash } }
    case 'dropped':
      return others
    case 'moved':
      return known ? { ...others, [change.to]: known } : drafts
  }
}
