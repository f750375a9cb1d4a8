/** How a repository is opened; `keep`: as it is now. */
export type Access = 'keep' | 'none' | 'token' | 'key'

export interface AccessFields {
  access: Access
  git_token?: string
  git_key?: string
}

interface Sent {
  git_token?: string
  git_key?: string
}

/** As the API takes it: an empty text forgets what is kept, and what is left out stays. */
export function accessOf({ access, git_token = '', git_key = '' }: AccessFields): Sent {
  if (access === 'keep') return {}
  return {
    git_token: access === 'token' ? git_token.trim() : '',
    // A key ends with a line's end.
    git_key: access === 'key' ? `${git_key.trim()}\n` : '',
  }
}
