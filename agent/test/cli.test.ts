import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startAgent, temporaryFolder, waitFor } from './agent-process.ts'
import { startBench } from './bench.ts'
import { startFakeController } from './fake-controller.ts'

test('register trades the token for an identity that only its owner can read; run uses it', async () => {
  using data = temporaryFolder()
  await using controller = await startFakeController()
  writeFileSync(join(data.path, 'token'), 'good-token\n')
  const folder = join(data.path, 'agent')
  const args = [
    '--url',
    controller.address,
    '--token-file',
    join(data.path, 'token'),
    '--name',
    'builder',
    '--labels',
    'gpu, fast',
    '--slots',
    '3',
    '--data',
    folder,
  ]
  await using register = startAgent(['register', ...args])
  expect(await register.exited).toBe(0)
  expect(controller.registrations).toMatchObject([
    { name: 'builder', slots: 3, labels: [process.platform, process.arch, 'gpu', 'fast'] },
  ])
  expect(controller.registrations[0]!.host).toMatchObject({ os: process.platform, arch: process.arch })
  expect(statSync(join(folder, 'identity.json')).mode & 0o777).toBe(0o600)
  await using run = startAgent(['run', '--data', folder])
  await waitFor('hello', () => controller.hellos[0])
  run.child.kill('SIGTERM')
  expect(await run.exited).toBe(0)
  expect(existsSync(join(folder, 'agent.lock'))).toBe(false)
})

test.each([
  ['no command', [], 0, 'Settings, as flag or environment variable'],
  ['unknown command', ['walk'], 2, 'There is no command "walk"'],
  ['wrong number', ['run', '--slots', 'many'], 2, '--slots must be a whole number'],
  ['a label with a blank', ['run', '--labels', 'a b'], 2, '"a b" is no agent label'],
  ['too many labels', ['run', '--labels', [...'abcdefghijklmnopqrstuvwxyz012345'].join()], 2, 'an agent may have 30'],
  ['not registered', ['run'], 2, 'This agent is not registered'],
  ['no token', ['register', '--url', 'localhost:1'], 2, 'The registration token is missing'],
  ['bad address', ['register', '--url', 'http//x', '--token', 'x'], 2, 'must look like host:port'],
  ['missing token file', ['register', '--token-file', '/nowhere'], 2, 'The token file cannot be read'],
  ['not reachable', ['register', '--url', '127.0.0.1:1', '--token', 'x'], 4, 'cannot be reached'],
])('%s', async (_name, args, code, text) => {
  using data = temporaryFolder()
  await using agent = startAgent(args, { ANSFLOW_AGENT_DATA: join(data.path, 'agent') })
  expect(await agent.exited).toBe(code)
  expect(agent.output()).toContain(text)
  expect(agent.output()).not.toMatch(/\n\s+at /)
})

test('a token or an identity that the controller does not know', async () => {
  using data = temporaryFolder()
  await using controller = await startFakeController()
  await using wrong = startAgent(['register', '--url', controller.address, '--token', 'wrong', '--data', data.path])
  expect(await wrong.exited).toBe(3)
  expect(wrong.output()).toContain('unknown, used or expired')
  controller.behavior.refuse = true
  await using refused = startAgent(['run', '--url', controller.address, '--token', 'good-token', '--data', data.path])
  expect(await refused.exited).toBe(3)
  expect(refused.output()).toContain('Register it anew')
})

test('a data folder that cannot be written', async () => {
  using data = temporaryFolder()
  writeFileSync(join(data.path, 'file'), '')
  await using agent = startAgent(['run', '--data', join(data.path, 'file', 'below')])
  expect(await agent.exited).toBe(5)
  expect(agent.output()).toContain('cannot be written')
})

test('an identity that a new controller does not know is traded for another when there is a token', async () => {
  using data = temporaryFolder()
  await using controller = await startFakeController()
  writeFileSync(
    join(data.path, 'identity.json'),
    JSON.stringify({ url: '', agentId: 'old', agentSecret: 'of-another-controller', name: 'n' }),
  )
  controller.behavior.knownSecretsOnly = true
  await using agent = startAgent(['run', '--url', controller.address, '--data', data.path], {
    ANSFLOW_AGENT_TOKEN: 'good-token',
  })
  await waitFor('hello', () => controller.hellos.length > 0)
  expect(controller.registrations).toHaveLength(1)
  expect(agent.output()).toContain('registers anew')
})

test('a second agent on the same folder is refused; a lock of a dead one is not in the way', async () => {
  await using b = await startBench()
  await using second = startAgent(['run', '--data', b.data])
  expect(await second.exited).toBe(6)
  expect(second.output()).toContain('Another agent')
  b.agent.child.kill('SIGKILL')
  await b.agent.exited
  await b.restart()
})

test('a controller that is away: it keeps trying, and connects when it comes', async () => {
  using data = temporaryFolder()
  mkdirSync(data.path, { recursive: true })
  writeFileSync(
    join(data.path, 'identity.json'),
    JSON.stringify({ url: '127.0.0.1:9', agentId: 'a', agentSecret: 's', name: 'n' }),
  )
  chmodSync(join(data.path, 'identity.json'), 0o600)
  await using controller = await startFakeController()
  const port = controller.address.split(':')[1]!
  await controller.close()
  await using agent = startAgent(['run', '--data', data.path, '--url', `grpc://127.0.0.1:${port}`])
  await waitFor('it has tried', () => agent.output().includes('trying again'))
  await using back = await startFakeController(Number(port))
  await waitFor('hello', () => back.hellos.length > 0)
  // The same before it has an identity.
  await using fresh = startAgent([
    'run',
    '--data',
    join(data.path, 'fresh'),
    '--url',
    '127.0.0.1:1',
    '--token',
    'good-token',
  ])
  await waitFor('it has tried', () => fresh.output().includes('trying again'))
  expect(readFileSync(join(data.path, 'identity.json'), 'utf8')).toContain('127.0.0.1:9')
})
