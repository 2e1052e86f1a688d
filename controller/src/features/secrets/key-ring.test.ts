import { randomBytes } from 'node:crypto'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { createController } from '../../app.ts'
import { createLog } from '../../platform/log.ts'
import { createSecrets } from './secrets.ts'

async function secretOf(c: TestController, projectId: string): Promise<string | undefined> {
  return (await createSecrets(c.controller.keys).read(c.db.em(), { projectId, environmentId: '' }, ['TOKEN'])).get(
    'TOKEN',
  )
}

test('a wrong master key stops the start with one sentence and changes nothing', async () => {
  await using c = await startController({ file: true })
  const projectId = await c.addProject()
  await c.as(c.owner).client(SecretService).putSecret({ projectId, name: 'TOKEN', value: 'the value' })
  await c.controller.stop()
  const wrong = { ...c.config, masterKey: randomBytes(32), previousMasterKey: randomBytes(32) }
  const start = createController(wrong, { log: createLog('silent') }).start()
  await expect(start).rejects.toThrow(/^The master key is not the one this database was made with\./)
  await c.restart()
  expect(await secretOf(c, projectId)).toBe('the value')
})

test('another master key takes the place of the old one: secrets and tokens stay, the old one is worth nothing', async () => {
  await using c = await startController({ file: true })
  const projectId = await c.addProject()
  await c.as(c.owner).client(SecretService).putSecret({ projectId, name: 'TOKEN', value: 'the value' })
  const sealed = () => c.db.em().execute<{ sealed_key: Uint8Array }[]>('select sealed_key from secret')
  const [before] = await sealed()
  const oldKeys = c.controller.keys
  const masterKey = randomBytes(32)
  await c.restart({ masterKey, previousMasterKey: c.config.masterKey })
  expect(await secretOf(c, projectId)).toBe('the value')
  const [after] = await sealed()
  expect(Buffer.from(after?.sealed_key ?? [])).not.toEqual(Buffer.from(before?.sealed_key ?? []))
  await expect(createSecrets(oldKeys).read(c.db.em(), { projectId, environmentId: '' }, ['TOKEN'])).rejects.toThrow()
  expect((await c.as(c.owner).client(AuthService).getMe({})).user?.id).toBe(c.owner.userId)
  // Forgotten in the environment, it does no harm; without the new key nothing starts.
  await c.restart({ masterKey, previousMasterKey: c.config.masterKey })
  await c.restart({ masterKey })
  expect(await secretOf(c, projectId)).toBe('the value')
  await expect(c.restart()).rejects.toThrow(/^The master key is not the one/)
})
