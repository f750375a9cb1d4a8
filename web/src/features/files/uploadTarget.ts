/** Where a file goes that is put into a folder, however its slashes were typed. */
export function targetOf(folder: string, name: string): string {
  const clean = folder.trim().replace(/^\/+|\/+$/g, '')
  return clean ? `${clean}/${name}` : name
}
