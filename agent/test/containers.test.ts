// Steps in containers, by a real Docker daemon and by Podman: what a script finds there, how it ends, and that nothing of it is left.
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ImagePull } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { temporaryFolder, waitFor } from './agent-process.ts'
import { type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import type { ContainerHost } from './busybox-image.ts'
import { canRunDocker, type DockerDaemon, startDockerDaemon } from './docker-daemon.ts'
import { type FakeJob, Outcome } from './fake-controller.ts'
import { canRunPodman, openPodmanStore } from './podman-store.ts'

const runtimes = [
  { name: 'Docker', canRun: canRunDocker, open: startDockerDaemon },
  { name: 'Podman', canRun: canRunPodman, open: openPodmanStore },
]

describe.for(runtimes)('steps in containers of $name', ({ name: runtime, canRun, open }) => {
  if (!canRun) return void test.skip('without it')
  let d: ContainerHost
  let b: Bench
  beforeAll(async () => {
    d = await open()
    b = await startBench({
      ...d.env,
      ANSFLOW_AGENT_CONTAINER_MEMORY_MIB: '48',
      HTTPS_PROXY: 'http://proxy.test:1',
    })
  })
  afterAll(async () => {
    await b?.[Symbol.asyncDispose]()
    await d?.[Symbol.asyncDispose]()
  })

  let number = 0
  const inImage = (script: string, more: object = {}, container: object = {}) => {
    const value = { script: { shell: 'sh', script }, image: d.image, ...container }
    return { execution: { case: 'container' as const, value }, runId: `run-${number}`, ...more }
  }
  const run = (
    script: string,
    more: object = {},
    {
      secrets = [],
      ...container
    }: { secrets?: { name: string; value: string; env?: boolean }[]; [key: string]: unknown } = {},
  ) => b.controller.offer(jobIdOf(`box-${++number}`), inImage(script, more, container), secrets)
  const text = (job: FakeJob) => job.log.toString()
  const containers = async () => (await d.call('ps', '--all', '--format', '{{.Names}}')).split('\n').filter(Boolean)
  const noneLeft = () => waitFor('no container is left', async () => (await containers()).length === 0)

  test('an agent with a runtime says so', () => {
    expect(b.controller.hellos.at(-1)?.capabilities).toContain('container')
  })

  test('a script finds the image, the workspace, its own variables and files, and only these', async () => {
    const script = `echo "$FROM_IMAGE"; id -u; pwd; [ "$PWD" = "$CI_WORKSPACE" ] && echo here
      echo "$GREETING"; echo "$HTTPS_PROXY"; echo "$HOME"; echo "$PATH"; umask; echo "$TMPDIR"
      echo error >&2; echo v=1 >>"$ANSFLOW_OUTPUT"; echo E=2 >>"$ANSFLOW_ENV"; echo "# Sum" >>"$ANSFLOW_SUMMARY"
      echo made >made; echo "[ansflow] not"; exit 3`
    const env = [{ name: 'GREETING', value: 'it\'s\n$HOME, "two" lines' }]
    const job = run(script, { env, outputs: ['v'], umask: '027', path: ['/tools'] })
    const finished = await done(job)
    const workspace = /^\/.*$/m.exec(text(job).split('\n').slice(1).join('\n'))![0]
    const digest = finished.image!.digest
    expect(text(job).split('\n')).toEqual([
      `[ansflow] Image ${d.image} (${digest})`,
      ...['yes', '0', workspace, 'here', "it's", '$HOME, "two" lines', 'http://proxy.test:1', '/root'],
      ...['/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', '0027', '/tmp', 'error'],
      ...['[ansflow] not', ''],
    ])
    expect(finished).toMatchObject({
      outcome: Outcome.FAILED,
      exitCode: 3,
      reasonCode: 'exit_code',
      outputs: { v: '1' },
    })
    expect(finished).toMatchObject({ env: { E: '2' }, summary: '# Sum\n', image: { name: d.image } })
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(readFileSync(join(workspace, 'made'), 'utf8')).toBe('made\n')
    await noneLeft()
  })

  test('steps with and without an image share the workspace', async () => {
    const runId = 'run-shared'
    await done(run('mkdir -p sub; echo from the box >sub/file', { runId }))
    const host = b.controller.offer(jobIdOf('host'), sh('cat sub/file; echo back >sub/file', { runId }))
    await done(host)
    expect(text(host)).toBe('from the box\n')
    const job = b.controller.offer(jobIdOf('again'), {
      ...inImage('', { runId }),
      execution: {
        case: 'container',
        value: { script: { script: 'pwd; cat file', workingDirectory: 'sub' }, image: d.image },
      },
    })
    await done(job)
    expect(text(job)).toMatch(/\/sub\nback\n$/)
  })

  test('a secret is masked, and neither an argument nor anything the runtime keeps', async () => {
    const job = run(
      'echo "$TOKEN"; touch ready; while [ ! -e go ]; do sleep 0.05; done',
      { runId: 'run-secret' },
      {
        secrets: [{ name: 'TOKEN', value: 'hush-hush-secret', env: true }],
      },
    )
    const workspace = join(b.data, 'workspaces', 'run-secret', 'shared')
    await waitFor('it runs', () => existsSync(join(workspace, 'ready')))
    const [name = ''] = await containers()
    expect(await d.call('inspect', name)).not.toContain('hush-hush')
    for (const file of ['start', 'inside']) expect(statSync(join(b.data, 'jobs', job.ref.jobId, file)).size).toBe(0)
    writeFileSync(join(workspace, 'go'), '')
    expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
    expect(text(job)).toMatch(/\n\*\*\*\n$/)
  })

  test.each([
    [
      'a program that the image has not',
      { script: { shell: 'python3 -u', script: 'x' } },
      { exitCode: 127, reasonCode: 'exit_code' },
      'There is no python3 in the image',
    ],
    [
      'an image that is not there',
      { image: 'no/such:1', pull: ImagePull.NEVER },
      { reasonCode: 'agent_error' },
      'the step says pull: never',
    ],
    [
      'an image that cannot be fetched',
      { image: '127.0.0.1:1/no/such:1' },
      { reasonCode: 'agent_error' },
      'Fetching the image 127.0.0.1:1/no/such:1.',
    ],
    [
      'an image that is fetched always',
      { pull: ImagePull.ALWAYS, image: '127.0.0.1:1/box:1' },
      { reasonCode: 'agent_error' },
      'cannot be fetched',
    ],
    [
      'a folder that is not there',
      { script: { script: 'x', workingDirectory: 'nowhere' } },
      { reasonCode: 'agent_error' },
      'The folder "nowhere" does not exist',
    ],
  ])('%s', async (_what, container, expected, said) => {
    const job = run('echo never', {}, container)
    expect(await done(job)).toMatchObject({ outcome: Outcome.FAILED, ...expected })
    expect(text(job)).toContain(said)
    expect(text(job)).not.toContain('never\n')
    await noneLeft()
  })

  // Podman sees it only of the container's first program.
  test.runIf(runtime === 'Docker')('out of memory is said as such', async () => {
    const job = run('head -c 200000000 /dev/zero | tail -c 190000000 | wc -c; exit 9')
    const finished = await done(job)
    expect(finished).toMatchObject({ outcome: Outcome.FAILED, reasonCode: 'out_of_memory', reason: '48' })
  })

  test.each(['cancel', 'timeout'] as const)(
    '%s: every process hears TERM, and what heeds it not is killed',
    async (what) => {
      const script = `(trap 'echo child; exit 0' TERM; while :; do sleep 0.05 || true; done) & trap 'echo told' TERM
      touch "$CI_WORKSPACE/ready"; while :; do sleep 0.1 || true; done`
      const runId = `run-${what}`
      const job = run(script, { runId, cancelGraceMs: 1000, ...(what === 'timeout' && { timeoutMs: 2500 }) })
      await waitFor('it runs', () => existsSync(join(b.data, 'workspaces', runId, 'shared', 'ready')))
      if (what === 'cancel') b.controller.cancel(job.ref.jobId)
      expect(await done(job)).toMatchObject({
        outcome: what === 'cancel' ? Outcome.CANCELED : Outcome.TIMED_OUT,
        exitCode: 137,
      })
      expect(text(job)).toContain('told\n')
      expect(text(job)).toContain('child\n')
      await noneLeft()
    },
  )

  test('the agent is killed while a container prints: not a byte is lost, the end is told, nothing is left', async () => {
    const runId = 'run-killed'
    const job = run('for i in $(seq 2000); do echo "line $i"; [ $((i % 100)) != 0 ] || sleep 0.05; done; exit 4', {
      runId,
    })
    await waitFor('it prints', () => text(job).includes('line 200\n'))
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    await b.restart()
    expect(await done(job)).toMatchObject({
      outcome: Outcome.FAILED,
      exitCode: 4,
      reasonCode: 'exit_code',
      image: { name: d.image },
    })
    const lines = text(job).split('\n').slice(1)
    expect(lines).toEqual([...Array.from({ length: 2000 }, (_, i) => `line ${i + 1}`), ''])
    await noneLeft()
  })

  test('a later agent ends a container that is canceled meanwhile, and removes what is of no job', async () => {
    const runId = 'run-later'
    const job = run('touch ready; sleep 60', { runId, cancelGraceMs: 500 })
    await waitFor('it runs', () => existsSync(join(b.data, 'workspaces', runId, 'shared', 'ready')))
    const [its = ''] = await containers()
    const label = (await d.call('inspect', '--format', '{{index .Config.Labels "ansflow.agent"}}', its)).trim()
    b.agent.child.kill('SIGKILL')
    await b.agent.exited
    await d.call(
      'run',
      '-d',
      '--label',
      `ansflow.agent=${label}`,
      '--name',
      'left',
      '--entrypoint',
      '/bin/sleep',
      d.image,
      '60',
    )
    await d.call(
      'run',
      '-d',
      '--label',
      'ansflow.agent=another',
      '--name',
      'theirs',
      '--entrypoint',
      '/bin/sleep',
      d.image,
      '60',
    )
    await b.restart()
    await waitFor('what is of no job is removed', async () => !(await containers()).includes('left'))
    expect(await containers()).toHaveLength(2)
    b.controller.cancel(job.ref.jobId)
    expect(await done(job)).toMatchObject({ outcome: Outcome.CANCELED })
    await waitFor('only the container of another agent is left', async () => (await containers()).join() === 'theirs')
    // Podman would first let it end by itself.
    await d.call('kill', 'theirs')
    await d.call('rm', '-f', 'theirs')
  })

  test('its program is killed: the step is lost, and its container goes', async () => {
    const runId = 'run-orphan'
    const job = run('touch ready; sleep 60', { runId })
    await waitFor('it runs', () => existsSync(join(b.data, 'workspaces', runId, 'shared', 'ready')))
    const [pid] = await waitFor('its program is known', () => {
      const [first = ''] = readFileSync(join(b.data, 'jobs', job.ref.jobId, 'job'), 'utf8').split('\n')
      const words = first.trim().split(' ').map(Number)
      return words.length > 2 && [words[2]!]
    })
    process.kill(pid!, 'SIGKILL')
    expect(await done(job)).toMatchObject({ outcome: Outcome.LOST, reasonCode: 'lost' })
    await noneLeft()
  })

  test('a step user has no more rights in a container than without', async () => {
    await using other = await startBench({ ...d.env, ANSFLOW_AGENT_STEP_USER: 'nobody' })
    const job = other.controller.offer(
      jobIdOf('nobody'),
      inImage('id -u; echo "$HOME"; echo x >made; echo v=1 >>"$ANSFLOW_OUTPUT"', { outputs: ['v'] }),
    )
    expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED, outputs: { v: '1' } })
    expect(text(job)).toMatch(/\n65534\n\/tmp\n$/)
  })

  // Without root Podman has other containers, and what it can depends on the host.
  test.runIf(runtime === 'Docker')("what root leaves in the workspace is the agent's, who is not root", async () => {
    using programs = temporaryFolder()
    const [node, agent] = [join(programs.path, 'node'), join(programs.path, 'agent.mjs')]
    copyFileSync(process.execPath, node)
    copyFileSync(inject('agentBundle'), agent)
    chmodSync(programs.path, 0o755)
    const { socket } = d as DockerDaemon
    chmodSync(dirname(socket), 0o711)
    chmodSync(socket, 0o666)
    // The last word is the data folder; the first one the program, which such a user may not reach.
    const become = `for data; do :; done; chown -R 4321:4321 "$data"; shift
      exec setpriv --reuid=4321 --regid=4321 --clear-groups ${node} "$@"`
    await using other = await startBench(d.env, ['sh', '-c', become, 'sh'], agent)
    const runId = 'run-root'
    const script =
      'id -u; mkdir -p deep/er; echo x >deep/er/file; chmod 000 deep/er/file; chmod 500 deep; : >"$ANSFLOW_SUMMARY"'
    const job = other.controller.offer(jobIdOf('root'), inImage(script, { runId }))
    expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
    expect(text(job)).toMatch(/\n0\n$/)
    const next = other.controller.offer(
      jobIdOf('next'),
      sh('id -u; cat deep/er/file; rm -r deep; echo gone', { runId }),
    )
    await done(next)
    expect(text(next)).toBe('4321\nx\ngone\n')
    const own = other.controller.offer(
      jobIdOf('own'),
      inImage('mkdir -p a/b; chmod 000 a', { workspace: 'isolated', runId: 'run-own' }),
    )
    await done(own)
    await waitFor(
      'its workspace is gone',
      () =>
        !existsSync(join(other.data, 'workspaces', 'run-own')) ||
        readdirSync(join(other.data, 'workspaces', 'run-own')).length === 0,
    )
    await noneLeft()
  })
})
