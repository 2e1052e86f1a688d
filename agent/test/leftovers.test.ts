// What a step leaves behind: removed however deep or guarded it is; what cannot be removed stops nothing.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { removeTree } from '../src/job/remove-tree.ts'
import { createWorkspaces } from '../src/job/workspace.ts'
import { temporaryFolder, waitFor } from './agent-process.ts'
import { alive, done, jobIdOf, sh, startBench, tempOf } from './bench.ts'
import { Outcome } from './fake-controller.ts'

const deep = `p=; i=0; while [ $i -lt 30 ]; do p=$p$(printf d%099d/ 0); i=$((i+1)); done
  mkdir -p one/$p two/$p; touch one/$p/bottom; mv one two/$p`
const guarded = 'mkdir -p a/b; touch a/b/c; chmod 0 a/b/c a/b a'

test.each([
  ['a path of over 4,096 bytes', deep],
  ['folders that may not be written or read', guarded],
])('%s is removed', async (_name, script) => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'tree')
  mkdirSync(path)
  execFileSync('sh', ['-c', script], { cwd: path })
  await removeTree(path)
  expect(existsSync(path)).toBe(false)
})

/** Something that not even root removes; the answer takes that back. */
function unremovable(path: string): Disposable {
  mkdirSync(join(path, 'inner'), { recursive: true })
  writeFileSync(join(path, 'inner', 'file'), 'x')
  execFileSync('mount', ['--bind', join(path, 'inner'), join(path, 'inner')])
  return { [Symbol.dispose]: () => void spawnSync('umount', ['-l', join(path, 'inner')]) }
}
const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0

test.runIf(canMount)(
  'what is mounted in a folder is said and not touched, and nothing else stays because of it',
  async () => {
    using folder = temporaryFolder()
    for (const name of ['a', 'b', 'c']) mkdirSync(join(folder.path, name))
    using _mount = unremovable(join(folder.path, 'b'))
    for (const name of ['a', 'b', 'c']) utimesSync(join(folder.path, name), 0, 0)
    const workspaces = createWorkspaces(folder.path)
    const swept = await workspaces.sweep(new Set(), 1000)
    expect(swept.removed.sort()).toEqual(['a', 'c'])
    expect(swept.problems).toEqual([
      { path: join(folder.path, 'b'), error: `Something is mounted at ${join(folder.path, 'b', 'inner')}.` },
    ])
    expect(readFileSync(join(folder.path, 'b', 'inner', 'file'), 'utf8')).toBe('x')
    // Told once.
    expect(await workspaces.sweep(new Set(), 1000)).toEqual({ removed: [], problems: [] })
  },
)

test.runIf(canMount)(
  'a job whose folder cannot be removed is gone all the same: the agent starts, and takes it anew',
  async () => {
    await using b = await startBench()
    const id = jobIdOf('left')
    const script = 'd=$(dirname "$ANSFLOW_OUTPUT")/left; mkdir "$d"; touch ran; while [ ! -e go ]; do sleep 0.02; done'
    const job = b.controller.offer(id, sh(script))
    await waitFor('it runs', () => existsSync(join(b.data, 'workspaces/run-1/shared/ran')))
    using _mount = unremovable(join(b.data, 'jobs', id, 'left'))
    writeFileSync(join(b.data, 'workspaces/run-1/shared/go'), '')
    await done(job)
    await waitFor('it is told', () => b.agent.output().includes('cannot be removed'))
    const [left] = await waitFor('it is set aside', () => {
      const names = readdirSync(join(b.data, 'jobs'))
      return names.every((name) => name.startsWith('@')) && names
    })
    using _moved = {
      [Symbol.dispose]: () => void spawnSync('umount', ['-l', join(b.data, 'jobs', left!, 'left/inner')]),
    }
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    await b.restart()
    await waitFor('it is told again', () => b.agent.output().includes('it is left'))
    expect(b.controller.hellos[1]!.jobs).toEqual([])
    const again = b.controller.offer(id, sh('echo again'), [], 2)
    expect(await done(again)).toMatchObject({ outcome: Outcome.SUCCEEDED })
    expect(again.log.toString()).toBe('again\n')
  },
)

test('the temporary folder of a job is private, short enough for sockets, and goes with the job, also after a kill', async () => {
  await using b = await startBench()
  const program = 'require("net").createServer().listen(process.argv[1], () => process.exit())'
  const job = b.controller.offer(
    jobIdOf('temp'),
    sh(
      `d=$(mktemp -d); chmod 700 "$d"; "${process.execPath}" -e '${program}' "$d/S.gpg-agent.browser" && stat -c %a "$TMPDIR"
       cd "$TMPDIR"; ${deep}; echo "$TMPDIR" > "$ANSFLOW_WORKSPACE/temp"; sleep 300`,
    ),
  )
  const noted = join(b.data, 'workspaces/run-1/shared/temp')
  await waitFor('it has run', () => existsSync(noted) && statSync(noted).size > 0)
  const temp = readFileSync(noted, 'utf8').trim()
  await waitFor('the log came', () => job.log.length > 0)
  expect(job.log.toString()).toBe('700\n')
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  expect(existsSync(temp)).toBe(true)
  await b.restart()
  b.controller.cancel(job.ref.jobId)
  await done(job)
  await waitFor('it is removed', () => !existsSync(temp))
})

test('an agent that was killed while it made or removed a job removes all of it', async () => {
  await using b = await startBench()
  const job = b.controller.offer(jobIdOf('half'), sh('sleep 300'))
  await waitFor('it runs', () => job.started.length > 0)
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  for (const pid of alive(job.ref.jobId)) process.kill(pid, 'SIGKILL')
  const jobs = join(b.data, 'jobs')
  const temp = tempOf(join(jobs, job.ref.jobId))!
  renameSync(join(jobs, job.ref.jobId), join(jobs, `@${job.ref.jobId}`))
  mkdirSync(join(jobs, jobIdOf('made')))
  expect(existsSync(temp)).toBe(true)
  await b.restart()
  await waitFor('all is gone', () => readdirSync(jobs).length === 0 && !existsSync(temp))
})
