import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { Code } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { startController } from '../../../test/start-controller.ts'
import { createSecrets } from './secrets.ts'

test('a secret is stored sealed, read back only inside, and does not open elsewhere', async () => {
  await using c = await startController()
  const projectId = await c.addProject()
  const secrets = c.as(c.owner).client(SecretService)
  const value = 'line one\nline two ✓'
  await secrets.putSecret({ projectId, name: 'NPM_TOKEN', value: 'old' })
  await secrets.putSecret({ projectId, name: 'NPM_TOKEN', value })
  const { secrets: listed } = await secrets.listSecrets({ projectId })
  expect(listed.map((secret) => secret.name)).toEqual(['NPM_TOKEN'])
  expect(JSON.stringify(listed, (_key, each) => (typeof each === 'bigint' ? String(each) : each))).not.toContain(
    'line one',
  )

  const inside = createSecrets(c.controller.keys)
  expect(await inside.read(c.db.em(), { projectId, environmentId: '' }, ['NPM_TOKEN', 'MISSING'])).toEqual(
    new Map([['NPM_TOKEN', value]]),
  )
  const rows = await c.db.em().execute<{ sealed_value: Uint8Array }[]>('select sealed_value from secret')
  expect(Buffer.from(rows[0]?.sealed_value ?? []).toString('latin1')).not.toContain('line one')

  const other = await c.addProject()
  await c.db.em().execute('update secret set project_id = ?', [other])
  await expect(inside.read(c.db.em(), { projectId: other, environmentId: '' }, ['NPM_TOKEN'])).rejects.toThrow()

  for (const name of ['a b', '1A', 'A-B', '', 'A'.repeat(129)]) {
    await expect(secrets.putSecret({ projectId, name, value: 'v' })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    })
  }
  const tooLong = secrets.putSecret({ projectId, name: 'BIG', value: 'x'.repeat(64 * 1024 + 1) })
  await expect(tooLong).rejects.toMatchObject({ code: Code.InvalidArgument })
})

test('a secret made by many calls at once is one secret', async () => {
  await using c = await startController()
  const projectId = await c.addProject()
  const secrets = c.as(c.owner).client(SecretService)
  await Promise.all(
    Array.from({ length: 10 }, (_, n) => secrets.putSecret({ projectId, name: 'TOKEN', value: `value ${n}` })),
  )
  expect((await secrets.listSecrets({ projectId })).secrets).toHaveLength(1)
})
