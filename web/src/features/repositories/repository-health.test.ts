import { RepositorySchema } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, it } from 'vitest'
import { healthOfRepository, healthStatus } from './repository-health.ts'

const at = timestampFromMs(1)
const later = timestampFromMs(2)
const managed = { managed: true, lastDeliveryAt: at }
const refused = { ...managed, refused: 2, lastRefusedAt: later }
type Init = Exclude<MessageInitShape<typeof RepositorySchema>, { $typeName: string }>
function health(repository: Init) {
  return healthOfRepository(create(RepositorySchema, { readAt: at, hook: managed, ...repository } as Init))
}

it('says the worst of what is known of a repository', () => {
  expect(health({})).toBe('fine')
  expect(health({ tells: true, tellProblem: 'no' })).toBe('tellFails')
  expect(health({ tells: false, tellProblem: 'no' })).toBe('fine')
  expect(health({ hook: refused, tells: true, tellProblem: 'no' })).toBe('refuses')
  expect(health({ readProblem: 'gone', hook: refused })).toBe('unread')
})

it('refuses until something is taken again: what strangers send says nothing of the hook', () => {
  expect(health({ hook: { ...refused, lastDeliveryAt: timestampFromMs(3) } })).toBe('fine')
  expect(health({ hook: { managed: true, refused: 1, lastRefusedAt: later } })).toBe('refuses')
})

it('misses deliveries only where nothing else says that something has come', () => {
  expect(health({ hook: { managed: false } })).toBe('silent')
  expect(health({ hook: { managed: false }, pollSeconds: 60 })).toBe('fine')
  expect(health({ hook: { managed: false, problem: 'may not' } })).toBe('hookFailed')
  expect(health({ hook: { managed: false, problem: 'may not' }, pollSeconds: 60 })).toBe('fine')
})

it('colours only what is wrong', () => {
  expect(healthStatus('fine')).toBeUndefined()
  expect(healthStatus('reading')).toBeUndefined()
  expect(healthStatus('unread')).toBe('failed')
  expect(healthStatus('silent')).toBe('warning')
})
