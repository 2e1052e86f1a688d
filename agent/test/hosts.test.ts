// What a host may be like: its disk is full, the way to the controller is guarded or not, a shell is there or not.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join, relative } from 'node:path'
import { ServerCredentials } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { programOn } from '../src/host.ts'
import { startAgent, temporaryFolder, waitFor } from './agent-process.ts'
import { done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome, startFakeController } from './fake-controller.ts'

let number = 0

/** A real file system of this size at the agent's data folder, seen by the agent and its steps only. */
function smallDisk(megabytes: number): string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const mount = `mount -t tmpfs -o size=${megabytes}m none "$0" && exec "$@"`
  return ['unshare', '--mount', ...asRoot, 'sh', '-c', mount]
}

test('a disk that a step fills: its loss is told, and the agent goes on when there is room again', async () => {
  using data = temporaryFolder()
  await using controller = await startFakeController()
  const args = ['run', '--data', data.path, '--url', controller.address, '--token', 'good-token', '--slots', '4']
  await using agent = startAgent(args, {}, [...smallDisk(90), data.path])
  await waitFor('hello', () => controller.hellos.length > 0).catch((error) => {
    throw new Error(`${error.message}\n${agent.output()}`)
  })
  const size = 200_000_000
  const full = controller.offer(jobIdOf(++number), sh(`head -c ${size} /dev/zero | tr '\\0' '0123456789' || exit 9`))
  const finished = await waitFor('the end is told', () => full.finished[0], 60_000)
  await waitFor('what there is of the log came', () => full.logComplete, 60_000)
  expect(full.log.length).toBeLessThan(size)
  expect(finished.logSize).toBe(BigInt(full.log.length))
  // Whoever meets the full disk first says so: the step, whose own write fails, or the agent, which cannot keep its log.
  if (finished.outcome === Outcome.FAILED) expect(finished.exitCode).toBe(9)
  else {
    expect(finished.outcome).toBe(Outcome.LOST)
    expect(finished.reason).toMatch(/log .*cannot be kept: .*(ENOSPC|no space)/i)
  }
  const next = await waitFor('a job is taken again', async () => {
    const job = controller.offer(jobIdOf(++number), sh('echo there is room again'))
    await waitFor('an answer', () => job.accepted.length + job.rejected.length > 0)
    return job.accepted.length > 0 && job
  })
  expect(await done(next)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(next.log.toString()).toBe('there is room again\n')
}, 90_000)

test('a disk that is full before the job: it is refused with the reason', async () => {
  using data = temporaryFolder()
  await using controller = await startFakeController()
  const args = ['run', '--data', data.path, '--url', controller.address, '--token', 'good-token']
  await using agent = startAgent(args, {}, [...smallDisk(40), data.path])
  await waitFor('hello', () => controller.hellos.length > 0)
  const job = controller.offer(jobIdOf(++number), sh('true'))
  expect(await waitFor('rejected', () => job.rejected[0])).toBe('journal cannot be written: disk full')
  expect(agent.child.exitCode).toBeNull()
})

test('TLS: with the authority of the controller it connects, without it nothing is told', async () => {
  using data = temporaryFolder()
  const file = (name: string) => join(data.path, name)
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2']
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', file('key'), '-out', file('ca'), ...subject],
    { stdio: 'ignore' },
  )
  const pair = { private_key: readFileSync(file('key')), cert_chain: readFileSync(file('ca')) }
  await using controller = await startFakeController(0, ServerCredentials.createSsl(null, [pair]))
  const args = ['run', '--url', `https://${controller.address}`, '--token', 'good-token']
  await using stranger = startAgent([...args, '--data', file('stranger')])
  await waitFor('it has tried', () => stranger.output().includes('trying again'))
  expect(stranger.output()).toMatch(/self.signed certificate/)
  expect(controller.registrations).toEqual([])
  await using agent = startAgent([...args, '--data', file('agent'), '--ca-file', file('ca')])
  await waitFor('hello', () => controller.hellos.length > 0)
  expect(await done(controller.offer(jobIdOf(++number), sh('true')))).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(agent.output()).not.toContain('not encrypted')
  // The printed command needs no --ca-file, wherever it is started.
  const known = ['--data', file('known')]
  await using register = startAgent(['register', ...args.slice(1), ...known, '--ca-file', relative('.', file('ca'))])
  expect(await register.exited, register.output()).toBe(0)
  expect(register.output()).toContain(`ansflow-agent run --data ${file('known')}\n`)
  const hellos = controller.hellos.length
  await using later = startAgent(['run', ...known])
  await waitFor('hello', () => controller.hellos.length > hellos)
  expect(later.output()).not.toContain('certificate')
})

test('to another host nothing is said in clear unless it is asked for', async () => {
  using data = temporaryFolder()
  let heard = Buffer.alloc(0)
  const listener = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes])
    })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  try {
    // The same host, under an address that does not look like it.
    const address = `[::ffff:127.0.0.1]:${(listener.address() as AddressInfo).port}`
    await using agent = startAgent(['run', '--data', join(data.path, 'a'), '--url', address, '--token', 'good-token'])
    await waitFor('it dials', () => heard.length > 0)
    // The first byte of a TLS handshake; in clear it would be the P of HTTP/2's preface.
    expect(heard[0]).toBe(0x16)
    expect(heard.includes('good-token')).toBe(false)
    await agent[Symbol.asyncDispose]()
    heard = Buffer.alloc(0)
    writeFileSync(
      join(data.path, 'identity.json'),
      JSON.stringify({ url: '', agentId: 'a', agentSecret: 's', name: 'n' }),
      { mode: 0o600 },
    )
    await using asked = startAgent(['run', '--data', data.path, '--url', `http://${address}`])
    await waitFor('it dials', () => heard.length > 0)
    expect(heard.toString('latin1', 0, 3)).toBe('PRI')
    expect(asked.output()).toContain('The connection is not encrypted')
  } finally {
    listener.close()
  }
})

test('PowerShell where it is installed, a clear sentence where it is not', async () => {
  using tools = temporaryFolder()
  const script = 'Write-Output "hello"'
  const execution = { case: 'shell' as const, value: { shell: 'pwsh', script } }
  await using b = await startBench({ ANSFLOW_AGENT_STEP_PATH: '/usr/sbin:/usr/bin:/sbin:/bin' })
  const job = b.controller.offer(jobIdOf(++number), { execution })
  const finished = await done(job)
  if (programOn('/usr/sbin:/usr/bin:/sbin:/bin', 'pwsh')) expect(job.log.toString()).toBe('hello\n')
  else expect(finished.reason).toBe('The shell pwsh is not installed on this host.')
  // How it is called: a program of that name that shows what it was given.
  mkdirSync(tools.path, { recursive: true })
  writeFileSync(join(tools.path, 'pwsh'), '#!/bin/sh\necho "$1 $2 $3 $4"\ncat "$5"\n', { mode: 0o755 })
  await using c = await startBench({ ANSFLOW_AGENT_STEP_PATH: `${tools.path}:/usr/bin:/bin` })
  const shown = c.controller.offer(jobIdOf(++number), { execution })
  expect(await done(shown)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(shown.log.toString().split('\n').slice(0, 3)).toEqual([
    '-NoLogo -NoProfile -NonInteractive -File',
    "$ErrorActionPreference = 'stop'",
    script,
  ])
})
