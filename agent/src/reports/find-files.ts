// Owns finding the files that a list of globs names: regular files of the workspace, whatever a step has made of it. It follows no
// link, looks at so many things at most, and no longer than until its deadline.
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Matcher, matcher } from '@ansflow/proto/globs'
import { limits } from '@ansflow/proto/limits'

/** Large, and never where a report is; looked into only by globs that name them. */
const SELDOM = ['.git', 'node_modules']
const SPECIAL = /[*?[{\\]/

export interface FoundFiles {
  /** From the workspace on, in the order of their names. */
  files: string[]
  /** Globs that no file matches. */
  unmatched: string[]
  /** English, one line: why not all was looked at. */
  problem?: string
}

/** `isOver`: it takes too long, or nobody wants it any more. */
export async function findFiles(
  workspace: string,
  globs: readonly string[],
  isOver: () => boolean,
): Promise<FoundFiles> {
  const wanted = globs
    .filter((glob) => !glob.startsWith('!'))
    .map((glob) => ({ glob, takes: matcher([glob]), hit: false }))
  if (wanted.length === 0) return { files: [], unmatched: [] }
  const search = new Search(workspace, globs, isOver)
  for (const place of placesOf(wanted.map(({ glob }) => glob))) await search.below(place)
  const files = [...search.found].sort()
  for (const file of files) for (const each of wanted) each.hit ||= each.takes(file)
  const unmatched = wanted.filter(({ hit }) => !hit).map(({ glob }) => glob)
  const kept = files.slice(0, limits.reportFiles)
  const problem =
    search.problem ??
    (files.length > kept.length ? `More than ${kept.length} files match; the others are left out.` : undefined)
  return { files: kept, unmatched, ...(problem !== undefined && { problem }) }
}

class Search {
  readonly found = new Set<string>()
  problem: string | undefined
  readonly #workspace: string
  readonly #takes: Matcher
  readonly #skipped: readonly string[]
  readonly #isOver: () => boolean
  #seen = 0

  constructor(workspace: string, globs: readonly string[], isOver: () => boolean) {
    this.#workspace = workspace
    this.#takes = matcher(globs)
    this.#skipped = SELDOM.filter((name) => !globs.some((glob) => glob.split('/').includes(name)))
    this.#isOver = isOver
  }

  /** Each folder on the way is found in the one before: so it is none that a link leads to. */
  async below({ folder, deep }: Place): Promise<void> {
    const parts = folder === '' ? [] : folder.split('/')
    for (const [index, part] of parts.entries()) {
      const before = parts.slice(0, index).join('/')
      if (!(await this.#entries(before, ({ name, isFolder }) => isFolder && name === part))) return
    }
    const folders = [folder]
    for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
      const here = at
      await this.#entries(here, ({ name, isFile, isFolder }) => {
        const path = here === '' ? name : `${here}/${name}`
        if (isFile && this.#takes(path)) this.found.add(path)
        if (isFolder && deep && !this.#skipped.includes(name)) folders.push(path)
        return false
      })
    }
  }

  /** True once `look` says so. What cannot be opened has none. */
  async #entries(
    folder: string,
    look: (entry: { name: string; isFile: boolean; isFolder: boolean }) => boolean,
  ): Promise<boolean> {
    if (this.problem !== undefined) return false
    try {
      for await (const entry of await opendir(join(this.#workspace, folder))) {
        if (++this.#seen > limits.reportEntries || this.#isOver()) {
          this.problem = 'There are too many files to look at all of them; name the folders of the reports.'
          return false
        }
        if (look({ name: entry.name, isFile: entry.isFile(), isFolder: entry.isDirectory() })) return true
      }
    } catch {
      // Removed meanwhile, or not to be read.
    }
    return false
  }
}

interface Place {
  folder: string
  /** Also in the folders below. */
  deep: boolean
}

/** The folders that the globs begin in, none of them inside of another that is searched. */
function placesOf(globs: readonly string[]): Place[] {
  const places = new Map<string, boolean>()
  for (const glob of globs) {
    const parts = glob.split('/')
    const plain = parts.findIndex((part) => SPECIAL.test(part))
    const own = plain < 0 ? parts.length - 1 : plain
    const folder = parts.slice(0, own).join('/')
    places.set(folder, (places.get(folder) ?? false) || own < parts.length - 1 || (parts[own] ?? '').includes('**'))
  }
  const isBelow = (inner: string, outer: string) => inner !== outer && (outer === '' || inner.startsWith(`${outer}/`))
  return [...places]
    .filter(([folder]) => ![...places].some(([other, deep]) => deep && isBelow(folder, other)))
    .map(([folder, deep]) => ({ folder, deep }))
}
