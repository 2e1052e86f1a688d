// MariaDB and NATS as in production: what is committed is on the disk.

import { ensureSystemPackages } from '../../deploy/dev/system-packages.ts'
import { startMariadb, startNats } from '../../deploy/dev/test-servers.ts'
import type { Servers } from './context.ts'

export async function startServers(): Promise<Servers & AsyncDisposable> {
  await ensureSystemPackages()
  const started = await Promise.allSettled([startMariadb({ onDisk: true }), startNats()])
  const end = async () => {
    for (const one of started) if (one.status === 'fulfilled') await one.value.stop()
  }
  const [database, nats] = started
  if (database.status === 'fulfilled' && nats.status === 'fulfilled')
    return { database: database.value.url, nats: nats.value.url, [Symbol.asyncDispose]: end }
  await end()
  throw database.status === 'rejected' ? database.reason : nats.status === 'rejected' ? nats.reason : undefined
}
