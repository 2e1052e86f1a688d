import { createHmac } from 'node:crypto'
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { expect, test } from 'vitest'
import { ForgeWorld } from '../../../test/forge-world.ts'
import { bitbucketPullRequest, changed, giteeNote } from '../forges/test/deliveries.ts'

test('what Gitee writes into its bodies to sign them is not kept', async () => {
  await using world = await ForgeWorld.start({ kind: ForgeKind.GITEE, files: {} })
  const { secret } = world
  const body = {
    ...giteeNote,
    note: 'hello',
    password: secret,
    sign: 'c2lnbmVkIlx3aXRo\\/that=',
    enterprise: { password: 'a"b' },
  }
  const headers = { 'x-gitee-event': 'Note Hook', 'x-gitee-token': secret, 'user-agent': 'git-oschina-hook' }
  const delivery = await world.decided(await world.post(JSON.stringify(body), headers))
  const kept = await world.read(delivery.id)
  expect(JSON.parse(kept.body)).toEqual({
    ...body,
    password: '••••••••',
    sign: '••••••••',
    enterprise: { password: '••••••••' },
  })
  expect(JSON.stringify(kept.headers)).not.toContain(secret)
  expect(kept.headers).toContainEqual(expect.objectContaining({ name: 'x-gitee-event', value: 'Note Hook' }))
})

test('Bitbucket, whose deliveries hold the beginning of a commit, is asked for all of it before anything is trusted', async () => {
  await using world = await ForgeWorld.start({ kind: ForgeKind.BITBUCKET, files: {} })
  const body = JSON.stringify(
    changed(bitbucketPullRequest, { 'pullrequest.source.repository': { full_name: 'mallory/shop' } }),
  )
  const signature = `sha256=${createHmac('sha256', world.secret).update(body).digest('hex')}`
  const answer = await world.post(body, { 'x-event-key': 'pullrequest:created', 'x-hub-signature': signature })
  const delivery = await world.decided(answer)
  expect(delivery).toMatchObject({
    event: 'pullrequest:created',
    result: RepositoryDeliveryResult.WAITS,
    commit: 'ab12'.repeat(10),
    problemInfo: { code: 'delivery_fork' },
  })
})
