// A controller's part that fetches one repository without a password, for tests that kill it.
import { createLog } from '../../log.ts'
import { createOutbound } from '../../outbound.ts'
import { readAllowed } from '../../outbound-rules.ts'
import { createGitMirrors } from '../mirrors.ts'

process.on('message', async ({ folder, url, path }: { folder: string; url: string; path: string }) => {
  const mirrors = createGitMirrors({
    folder,
    environment: { PATH: path },
    outbound: createOutbound({ allowed: readAllowed('127.0.0.1') }),
    log: createLog('silent'),
  })
  const mirror = mirrors.open({ id: 'one', url, access: async () => ({ kind: 'none' }) })
  await mirror.fetch(AbortSignal.timeout(60_000))
})
