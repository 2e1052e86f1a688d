// How a repository is, in one word: the worst of what is known of it.
import type { Repository, RepositoryHook } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { toMs } from '../../ui/format.ts'
import type { StatusName } from '../../ui/status/status.ts'

export type RepositoryHealth = 'unread' | 'hookFailed' | 'refuses' | 'tellFails' | 'silent' | 'reading' | 'fine'

export function healthOfRepository(repository: Repository): RepositoryHealth {
  const { hook, readProblem, tellProblem, readAt, pollSeconds, tells } = repository
  if (readProblem !== '') return 'unread'
  if (hook?.problem && pollSeconds === 0) return 'hookFailed'
  if (hook && isRefusing(hook)) return 'refuses'
  if (tells && tellProblem !== '') return 'tellFails'
  if (!readAt) return 'reading'
  // Somebody has to paste the address there, and has not, as far as anybody can tell.
  return hook && !hook.managed && !hook.lastDeliveryAt && pollSeconds === 0 ? 'silent' : 'fine'
}

/** Anybody can send what is refused: it is wrong only while nothing that has come since was taken. */
export function isRefusing({ lastRefusedAt, lastDeliveryAt }: RepositoryHook): boolean {
  return (toMs(lastRefusedAt) ?? 0) > (toMs(lastDeliveryAt) ?? 0)
}

/** Undefined: nothing is wrong, and it has no colour. */
export function healthStatus(health: RepositoryHealth): StatusName | undefined {
  if (health === 'fine' || health === 'reading') return undefined
  return health === 'unread' ? 'failed' : 'warning'
}
