// What is read from a copy. All of it was written by others: names are bytes, sizes are looked at before anything is read, and what
// git lists is taken in pieces.
import { type CommitFacts, commitOf } from './commit-object.ts'
import type { Copies, Copy } from './copies.ts'
import type { GitRef } from './git.ts'
import { type Answer, HelperError, type Requests } from './helper-messages.ts'
import type { ObjectReader } from './object-reader.ts'
import { type GitEnd, runGit } from './run-git.ts'
import { findEntry, type TreeEntry, treeEntries } from './tree-object.ts'

export interface Reading {
  copies: Copies
  env: Record<string, string>
}

const mostMs = 60_000
const mostRefs = 5000
const mostNames = 10_000
const mostTree = 16 << 20
const mostCommit = 1 << 20
/** Of paths, so that many long ones are no more than many short ones. */
const mostPathBytes = 32 << 20
const textPiece = 64 << 10

type Reads = { [M in Exclude<keyof Requests, 'fetch' | 'fetchRef' | 'fetchBlobs' | 'pushFile' | 'forget'>]: Read<M> }
type Read<M extends keyof Requests> = (by: Reading, copy: Copy, input: Requests[M]) => Promise<Answer>

export const reads: Reads = {
  async refs(by, copy) {
    const reader = by.copies.reader(copy)
    const format = '%(refname)%09%(objectname)%09%(objecttype)%09%(*objectname)%09%(*objecttype)'
    const args = [
      'for-each-ref',
      '--sort=-creatordate',
      `--count=${mostRefs + 1}`,
      `--format=${format}`,
      'refs/heads',
      'refs/tags',
    ]
    const refs: GitRef[] = []
    let count = 0
    for (const line of await lines(by, copy, args)) {
      const [name = '', id = '', type, peeled = '', peeledType] = line.split('\t')
      count += 1
      const commit = type === 'commit' ? id : peeledType === 'commit' ? peeled : undefined
      // A tag of a tag.
      const found = commit ?? (type === 'tag' ? (await reader.info(`${id}^{commit}`))?.id : undefined)
      if (found && refs.length < mostRefs) refs.push({ name, commit: found })
    }
    const { defaultBranch } = copy.state!
    const isThere = defaultBranch !== undefined && (await reader.info(`refs/heads/${defaultBranch}^{commit}`))
    refs.sort((a, b) => (a.name < b.name ? -1 : 1))
    return { items: refs, more: count > mostRefs, ...(isThere ? { defaultBranch } : {}) }
  },

  async commit(by, copy, { revision }) {
    const reader = by.copies.reader(copy)
    const id = await resolve(reader, revision)
    return { commit: id && (await readCommit(reader, id)) }
  },

  async log(by, copy, { from, limit, skip, notIn }) {
    const reader = by.copies.reader(copy)
    const start = await resolve(reader, from)
    if (!start) return { isThere: false }
    const without = notIn === undefined ? [] : ['--not', await known(reader, notIn)]
    const args = ['rev-list', `--max-count=${limit}`, `--skip=${skip}`, start, ...without]
    const ids = await lines(by, copy, args)
    return { isThere: true, items: await Promise.all(ids.map((id) => readCommit(reader, id))) }
  },

  async file(by, copy, { commit, path, mostBytes }) {
    const reader = by.copies.reader(copy)
    const entry = await entryAt(reader, await treeOf(reader, commit), path)
    if (!entry) return { isThere: false }
    const kind = odd[entry.kind]
    if (kind) throw new HelperError('refused', `${JSON.stringify(path)} is ${kind}, not a file.`)
    const blob = await reader.read(entry.id, mostBytes)
    if (!blob) return { isThere: true, missing: entry.id }
    const text = textOf(blob.content)
    if (text === undefined) throw new HelperError('refused', `${JSON.stringify(path)} is not a text in UTF-8.`)
    const items: string[] = []
    for (let at = 0; at < text.length; at += textPiece) items.push(text.slice(at, at + textPiece))
    return { isThere: true, items, isText: true }
  },

  async list(by, copy, { commit, folder }) {
    const reader = by.copies.reader(copy)
    let tree = await treeOf(reader, commit)
    if (folder !== '') {
      const entry = await entryAt(reader, tree, folder)
      if (entry?.kind !== 'folder') return { items: [] }
      tree = entry.id
    }
    const names: string[] = []
    for (const { kind, name } of treeEntries(await readTree(reader, tree), tree.length / 2)) {
      if (kind === 'file' && names.push(name.toString()) >= mostNames) break
    }
    return { items: names }
  },

  async mergeBase(by, copy, { a, b }) {
    const reader = by.copies.reader(copy)
    const args = ['merge-base', await known(reader, a), await known(reader, b)]
    const end = await git(by, copy, args, [0, 1])
    return { commit: end.output.trim() || undefined }
  },

  async changed(by, copy, { base, head, most }) {
    const reader = by.copies.reader(copy)
    const tip = await known(reader, head)
    const args =
      base === undefined
        ? ['ls-tree', '-r', '--name-only', '--full-tree', '-z', tip]
        : ['diff-tree', '-r', '--no-renames', '--no-ext-diff', '--name-only', '-z', await known(reader, base), tip]
    const paths: string[] = []
    const more = await entries(by, copy, args, (path) => paths.length < most && paths.push(path) > 0)
    return { items: paths, more }
  },

  async tree(by, copy, { commit, under, most }) {
    const tip = await known(by.copies.reader(copy), commit)
    const args = ['--literal-pathspecs', 'ls-tree', '-r', '--full-tree', '-z', tip, '--', ...under]
    const files: string[] = []
    const more = await entries(by, copy, args, (entry) => {
      // "100644 blob 1f0c…<tab>path"; links and submodules are no files.
      if (!entry.startsWith('100')) return true
      return files.length < most && files.push(entry.slice(entry.lastIndexOf(' ', entry.indexOf('\t')) + 1)) > 0
    })
    if (more) throw new HelperError('too_large', `There are more than ${most.toLocaleString('en')} files to look at.`)
    return { items: files }
  },

  async contains(by, copy, { commit }) {
    const found = await by.copies.reader(copy).info(commit)
    if (found?.type !== 'commit') return { isContained: false }
    // What is left of the commit when all that branches and tags lead to is taken away: nothing.
    const end = await git(by, copy, ['rev-list', '--max-count=1', commit, '--not', '--branches', '--tags'], [0])
    return { isContained: end.output === '' }
  },
}

const odd = {
  file: undefined,
  folder: 'a folder',
  link: 'a symbolic link',
  submodule: 'a submodule',
  other: 'something else',
}

async function git(
  { env }: Reading,
  copy: Copy,
  args: string[],
  codes: number[],
  onOutput?: (chunk: Buffer) => boolean,
): Promise<GitEnd> {
  const end = await runGit({ cwd: copy.folder, env, args, mostMs, ...(onOutput ? { onOutput } : {}) })
  if (end.why === 'time') throw new HelperError('too_large', `git did not answer within ${mostMs / 1000} seconds.`)
  if (end.why === 'itself' && !codes.includes(end.code ?? -1)) throw broken()
  return end
}

/** What git ends with \0, until `take` answers false, or there is too much of it. Whether there is more. */
async function entries(by: Reading, copy: Copy, args: string[], take: (entry: string) => boolean): Promise<boolean> {
  let bytes = 0
  let rest: Buffer = Buffer.alloc(0)
  let more = false
  await git(by, copy, args, [0], (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      bytes += end
      more = bytes > mostPathBytes || !take(rest.toString('utf8', 0, end))
      if (more) return false
      rest = rest.subarray(end + 1)
    }
    return true
  })
  return more
}

async function lines(by: Reading, copy: Copy, args: string[]): Promise<string[]> {
  const parts: Buffer[] = []
  await git(by, copy, args, [0], (chunk) => parts.push(chunk) > 0)
  return Buffer.concat(parts).toString().split('\n').filter(Boolean)
}

/** What should be there is not: the copy is of no use. */
function broken(): HelperError {
  return new HelperError('absent', 'The copy of the repository is broken.')
}

async function resolve(reader: ObjectReader, revision: string): Promise<string | undefined> {
  if (isHash(revision)) return (await reader.info(`${revision}^{commit}`))?.id
  if (revision.startsWith('refs/')) return (await reader.info(`${revision}^{commit}`))?.id
  const branch = await reader.info(`refs/heads/${revision}^{commit}`)
  return (branch ?? (await reader.info(`refs/tags/${revision}^{commit}`)))?.id
}

export function isHash(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

async function known(reader: ObjectReader, commit: string): Promise<string> {
  const found = await reader.info(commit)
  if (found?.type !== 'commit') throw new HelperError('missing', `There is no commit ${commit} in the repository.`)
  return found.id
}

async function treeOf(reader: ObjectReader, commit: string): Promise<string> {
  await known(reader, commit)
  const tree = await reader.info(`${commit}^{tree}`)
  if (!tree) throw broken()
  return tree.id
}

async function readCommit(reader: ObjectReader, id: string): Promise<CommitFacts> {
  const found = await reader.read(id, mostCommit)
  if (!found) throw broken()
  return commitOf(id, found.content)
}

async function readTree(reader: ObjectReader, id: string): Promise<Buffer> {
  const found = await reader.read(id, mostTree)
  if (!found) throw broken()
  return found.content
}

async function entryAt(reader: ObjectReader, tree: string, path: string): Promise<TreeEntry | undefined> {
  const names = path.split('/')
  const last = names.pop()!
  let id = tree
  for (const name of names) {
    const entry = findEntry(await readTree(reader, id), id.length / 2, name)
    if (entry?.kind !== 'folder') return undefined
    id = entry.id
  }
  return findEntry(await readTree(reader, id), id.length / 2, last)
}

function textOf(content: Buffer): string | undefined {
  if (content.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    return undefined
  }
}
