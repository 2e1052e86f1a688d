// Steps as another user: what they can do, and that nothing of the agent's is in their reach.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRepository, serveGitHttp } from '../../proto/test/git-servers.ts'
import { stepsFolder } from '../src/process/step-user.ts'
import { startAgent, temporaryFolder, waitFor } from './agent-process.ts'
import { type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('as nobody', () => {
  let b: Bench
  let steps: string
  beforeAll(async () => {
    b = await startBench({ ANSFLOW_AGENT_STEP_USER: 'nobody' })
    steps = stepsFolder(b.data)
  })
  afterAll(async () => {
    await b[Symbol.asyncDispose]()
    rmSync(steps, { recursive: true, force: true })
  })
  let number = 0
  const run = (script: string, more: object = {}, secrets: { name: string; value: string; env?: boolean }[] = []) =>
    b.controller.offer(jobIdOf(`user-${++number}`), sh(script, more), secrets)

  test('a step has its workspace, its folder for temporary files, its outputs and its output by name', async () => {
    const job = run(
      'id -un; echo "$USER"; echo x >file; mkdir -p deep/er; test -O "$TMPDIR"; mktemp >/dev/null; echo v=1 >>"$ANSFLOW_OUTPUT"; echo by name >/dev/stderr; echo "$TOKEN" | wc -c',
      { outputs: ['v'] },
      [{ name: 'TOKEN', value: 'a-secret-of-this-step', env: true }],
    )
    const finished = await done(job)
    expect(job.log.toString()).toBe('nobody\nnobody\nby name\n22\n')
    expect(finished).toMatchObject({ outcome: Outcome.SUCCEEDED, outputs: { v: '1' } })
    await waitFor('nothing of the job is left', () => !existsSync(join(steps, 'jobs', job.ref.jobId)))
  })

  test.each([
    ['the identity', () => `cat ${b.data}/identity.json`],
    ['the data folder', () => `ls ${b.data}`],
    ['the journal', () => `ls ${b.data}/jobs`],
    ['the environment of its parent', () => 'cat /proc/$PPID/environ'],
    ['the environment of the agent', () => `cat /proc/${b.agent.child.pid}/environ`],
    ['the memory of the agent', () => `head -c 1 /proc/${b.agent.child.pid}/mem`],
    ['the folder of all jobs', () => `ls ${steps}/jobs`],
  ])('it cannot read %s', async (_what, command) => {
    const job = run(`${command()} && echo never || echo denied`)
    await done(job)
    expect(job.log.toString()).toMatch(/denied\n$/)
    expect(job.log.toString()).not.toContain('never')
  })

  test("nothing of the step's environment reaches a process of root's", async () => {
    using tools = temporaryFolder()
    const ran = join(tools.path, 'ran')
    mkdirSync(join(tools.path, 'bin'))
    for (const name of ['chown', 'setpriv', 'setsid', 'cat'])
      writeFileSync(join(tools.path, 'bin', name), `#!/bin/sh\necho ${name} >${ran}\n`, { mode: 0o755 })
    const env = [
      { name: 'PATH', value: `${join(tools.path, 'bin')}:/usr/bin:/bin` },
      { name: 'LD_PRELOAD', value: join(tools.path, 'nothing.so') },
    ]
    expect(await done(run('true', { env }))).toMatchObject({ outcome: Outcome.SUCCEEDED })
    expect(existsSync(ran)).toBe(false)
  })

  test('an output file that is a link tells nothing', async () => {
    const job = run(`rm "$ANSFLOW_OUTPUT"; ln -s ${b.data}/identity.json "$ANSFLOW_OUTPUT"`, { outputs: ['v'] })
    const finished = await waitFor('it has finished', () => job.finished[0])
    expect(finished.outputs).toEqual({})
    expect(job.log.toString()).not.toContain('agentSecret')
  })

  test('a checkout is the step user’s, in a folder of its own', async () => {
    using root = temporaryFolder()
    createRepository(root.path, 'project')
    await using server = await serveGitHttp(root.path, 'robot', 'the-password')
    const value = { url: `${server.url}/project.git`, username: 'robot', passwordSecret: 'GIT', path: 'sub/dir' }
    const execution = { case: 'checkout' as const, value: value as never }
    const checkout = b.controller.offer(jobIdOf(`user-${++number}`), { execution, workspace: 'source' }, [
      { name: 'GIT', value: 'the-password' },
    ])
    expect(await done(checkout), checkout.log.toString()).toMatchObject({ outcome: Outcome.SUCCEEDED })
    const later = run('cd sub/dir; stat -c %U README .git .; git status --short; echo more >>README; rm -r .git', {
      workspace: 'source',
    })
    expect(await done(later), later.log.toString()).toMatchObject({ outcome: Outcome.SUCCEEDED })
    expect(later.log.toString()).toBe('nobody\nnobody\nnobody\n')
  })

  test('a step outlives the agent, and is canceled by the next one', async () => {
    const job = run('echo up; sleep 300')
    await waitFor('it runs', () => job.log.toString().includes('up'))
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    await b.restart()
    b.controller.cancel(job.ref.jobId)
    expect(await waitFor('it has ended', () => job.finished[0])).toMatchObject({ outcome: Outcome.CANCELED })
  })
})

test.each(
  isRoot
    ? [
        ['nobody-knows', 'does not know'],
        ['root', 'another user than root'],
      ]
    : [['nobody', 'runs as root']],
)('steps cannot run as %s, and the agent says so', async (user, sentence) => {
  using data = temporaryFolder()
  await using agent = startAgent(['run', '--data', data.path, '--step-user', user])
  expect(await agent.exited).toBe(2)
  expect(agent.output()).toContain(sentence)
})
