/** Where something is that is in a folder; the workspace itself is the empty path. */
export const inFolder = (folder: string, name: string) => (folder ? `${folder}/${name}` : name)
