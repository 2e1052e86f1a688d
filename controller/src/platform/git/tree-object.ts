// Reads git's tree objects: mode, name and id of each entry, as bytes. Pure.

export interface TreeEntry {
  kind: 'file' | 'folder' | 'link' | 'submodule' | 'other'
  name: Buffer
  id: string
}

const kinds: Record<string, TreeEntry['kind']> = {
  '100': 'file',
  '40': 'folder',
  '040': 'folder',
  '120': 'link',
  '160': 'submodule',
}

export function* treeEntries(tree: Buffer, hashBytes: number): Generator<TreeEntry> {
  for (let at = 0; at < tree.length; ) {
    const blank = tree.indexOf(0x20, at)
    const end = tree.indexOf(0, blank)
    if (blank < 0 || end < 0 || end + 1 + hashBytes > tree.length) return
    const mode = tree.toString('latin1', at, blank)
    at = end + 1 + hashBytes
    yield {
      kind: kinds[mode.slice(0, -3)] ?? 'other',
      name: tree.subarray(blank + 1, end),
      id: tree.toString('hex', end + 1, at),
    }
  }
}

export function findEntry(tree: Buffer, hashBytes: number, name: string): TreeEntry | undefined {
  const wanted = Buffer.from(name)
  for (const entry of treeEntries(tree, hashBytes)) if (entry.name.equals(wanted)) return entry
  return undefined
}
