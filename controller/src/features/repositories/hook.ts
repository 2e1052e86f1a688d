// The hook of a repository: where deliveries are sent, and the secret they are signed with. The secret is nowhere: it follows from the
// mark and the controller's own key.
import { randomBytes } from 'node:crypto'
import type { Keys } from '../../platform/crypto.ts'
import { ForgeError, type OpenConnection } from '../forges/index.ts'
import type { RepositoryRow } from './repository.entity.ts'

export function newHookMark(): string {
  return randomBytes(32).toString('hex')
}

export function hookSecret(keys: Keys, { id, hookMark }: Pick<RepositoryRow, 'id' | 'hookMark'>): string {
  return `afr_${keys.hashToken(`repository hook ${id} ${hookMark}`)}`
}

export function hookPath({ id }: Pick<RepositoryRow, 'id'>): string {
  return `/hooks/repositories/${id}`
}

export interface HookSetting {
  keys: Keys
  /** Of the controller, as others reach it. */
  publicUrl: string
}

/** Sets it up at the forge where that is possible; what the forge says against it is an answer. */
export async function putHook(
  connection: OpenConnection,
  row: RepositoryRow,
  { keys, publicUrl }: HookSetting,
  signal: AbortSignal,
): Promise<Pick<RepositoryRow, 'hookId' | 'hookProblem'>> {
  const hook = { url: publicUrl + hookPath(row), secret: hookSecret(keys, row) }
  if (!connection.client.putHook) return { hookId: '', hookProblem: '' }
  try {
    const id = await connection.ask((client, until) => client.putHook!(row.fullName, hook, until), signal)
    return { hookId: id.slice(0, 128), hookProblem: '' }
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error
    return { hookId: '', hookProblem: error.message.slice(0, 512) }
  }
}
