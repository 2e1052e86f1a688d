// One file put on top of a commit, and the branch at the server moved there: git's own plumbing, beside what nobody else sees.
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Copy } from './copies.ts'
import { change, type Fetching, inTurn, remoteRun, stateOf } from './fetch-copy.ts'
import type { GitPerson } from './git.ts'
import { HelperError, type PushFile, type Remote } from './helper-messages.ts'
import { type GitRun, runGit } from './run-git.ts'

const localMs = 60_000

export async function pushFile(
  by: Fetching,
  copy: Copy,
  remote: Remote,
  file: PushFile,
  signal: AbortSignal,
): Promise<string> {
  let commit = ''
  await inTurn(by, copy, remote, signal, (at) => {
    stateOf(copy)
    return change(by, copy, signal, async (watched) => {
      const before = stateOf(copy)
      commit = await commitFile(by, copy, file, watched)
      const { branch, expected = '' } = file
      const ref = `refs/heads/${branch}`
      // What was left out of the copy cannot be what others are packed against.
      const words = ['push', '--porcelain', '--no-verify', '--no-thin', '--no-follow-tags', '--no-signed']
      const lease = `--force-with-lease=${ref}:${expected}`
      await remoteRun(at, copy, remote, watched, {
        isPush: true,
        args: [...words, lease, '--end-of-options', 'origin', `${commit}:${ref}`],
      })
      await local(by, copy, { args: ['update-ref', ref, commit], signal: watched })
      return before
    })
  })
  return commit
}

async function commitFile(by: Fetching, copy: Copy, file: PushFile, signal: AbortSignal): Promise<string> {
  const { parent, path, text, message, author, committer, at } = file
  const found = await by.copies.reader(copy).info(parent)
  if (found?.type !== 'commit') throw new HelperError('missing', `There is no commit ${parent} in the repository.`)
  const index = join(copy.folder, `index-${randomUUID()}`)
  const run = (given: Pick<GitRun, 'args' | 'input'>) =>
    local(by, copy, { ...given, signal, env: { ...by.env, GIT_INDEX_FILE: index } })
  try {
    await run({ args: ['read-tree', parent] })
    const mode = modeIn(await run({ args: ['ls-files', '--stage', '-z', '--', `:(top,literal)${path}`] }), path)
    const blob = await run({ args: ['hash-object', '-w', '--no-filters', '--stdin'], input: text })
    await run({ args: ['update-index', '--add', '--cacheinfo', `${mode},${blob},${path}`] })
    const tree = await run({ args: ['write-tree', '--missing-ok'] })
    return await local(by, copy, {
      args: ['commit-tree', tree, '-p', parent, '-F', '-'],
      input: message,
      signal,
      env: { ...by.env, ...identity('AUTHOR', author, at), ...identity('COMMITTER', committer, at) },
    })
  } finally {
    await rm(index, { force: true })
  }
}

/** What is there stays what it is; in the place of a folder, a link or a submodule nothing is put. */
function modeIn(listed: string, path: string): string {
  const entries = listed.split('\0').filter(Boolean)
  const [entry] = entries
  if (!entry) return '100644'
  const [facts = '', name] = entry.split('\t')
  const [mode = ''] = facts.split(' ')
  if (entries.length === 1 && name === path && mode.startsWith('100')) return mode
  throw new HelperError('refused', `${JSON.stringify(path)} is not a file.`)
}

function identity(who: 'AUTHOR' | 'COMMITTER', { name, mail }: GitPerson, at: number): Record<string, string> {
  const clean = (text: string) => text.replace(/[\p{Cc}<>]/gu, ' ').trim()
  return {
    [`GIT_${who}_NAME`]: clean(name) || 'somebody',
    [`GIT_${who}_EMAIL`]: clean(mail) || 'nobody@localhost',
    [`GIT_${who}_DATE`]: `@${at} +0000`,
  }
}

async function local(
  { env }: Fetching,
  copy: Copy,
  run: Pick<GitRun, 'args' | 'input'> & { signal: AbortSignal; env?: Record<string, string> },
): Promise<string> {
  const end = await runGit({ cwd: copy.folder, mostMs: localMs, env, ...run })
  if (end.why === 'aborted') throw new HelperError('aborted', 'It is not wanted any more.')
  if (end.why === 'itself' && end.code === 0) return end.output.trimEnd()
  const said = end.complaint.split('\n')[0]?.slice(0, 200) ?? ''
  // A file in the place of a folder, and the like: the repository is as it is.
  throw new HelperError('refused', `git could not put the file into the repository: ${said}`)
}
