// What people wait for after a push: that something stands beside their commit.
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import type { FakeForge } from '../../../controller/src/features/forges/test/fake-forge.ts'
import { startFakeGitlab } from '../../../controller/src/features/forges/test/fake-gitlab.ts'
import { runCommand } from '../../../deploy/dev/run-command.ts'
import { createRepository, type GitSsh, serveGitHttp, serveGitSsh } from '../../../proto/test/git-servers.ts'
import type { System } from '../../setup/system.ts'
import { waitFor } from '../../setup/wait-for.ts'
import { quiet } from '../context.ts'
import { measurement } from '../measurement.ts'
import { now } from '../now.ts'
import { percentile } from '../statistics.ts'

const file = 'name: build\non: { push: {} }\nsteps: { one: { run: "true" } }\n'
const token = 'the-right-token'

/** Says when it ran, and posts as GitLab does to the address beside it. */
const hook = `#!/bin/sh
while read -r before after ref; do
  date +%s%N > hooks/ran
  printf '{"object_kind":"push","ref":"%s","before":"%s","after":"%s","checkout_sha":"%s","user_username":"ann","project":{"path_with_namespace":"acme/shop"},"commits":[]}' \\
    "$ref" "$before" "$after" "$after" | curl -fsS -o /dev/null -H 'content-type: application/json' \\
    -H 'x-gitlab-event: Push Hook' -H @hooks/secret --data-binary @- "$(cat hooks/address)"
done
`

export const push = measurement({
  name: 'push',
  what: 'From the hook of a real `git push` until its commit has a status at the forge.',
  floor: 'From the same hook until a bare HTTP server has what it posts.',
  needs: 'sshd',
  figures: {
    http: { what: 'by HTTP, p50', unit: 'ms', better: 'less', aim: { value: 300 } },
    http95: { what: 'by HTTP, p95', unit: 'ms', better: 'less' },
    ssh: { what: 'by ssh, p50', unit: 'ms', better: 'less', aim: { value: 300 } },
    ssh95: { what: 'by ssh, p95', unit: 'ms', better: 'less' },
  },
  async run(context) {
    const folder = await mkdtemp(join(context.folder, 'push-'))
    await mkdir(join(folder, 'acme'))
    const origin = createRepository(folder, 'acme/shop')
    origin.commit('ansflow.yaml', file)
    const git = context.keep(await serveGitHttp(folder, 'oauth2', token))
    const ssh = context.keep(await serveGitSsh(folder))
    const forge = await startFakeGitlab(token)
    forge.gitUrl = git.url
    const bare = await startBare()
    try {
      const system = await context.start({ slots: 2, env: { ANSFLOW_OUTBOUND_ALLOW: '127.0.0.1' } })
      const hooked = await connect(system, forge)
      await writeFile(join(origin.path, 'hooks/post-receive'), hook)
      await chmod(join(origin.path, 'hooks/post-receive'), 0o755)
      const roads = { http: await httpRoad(git.url), ssh: await sshRoad(ssh, folder, origin.path) }
      const samples: Record<keyof typeof roads, number[]> = { http: [], ssh: [] }
      const floors: Record<keyof typeof roads, number[]> = { http: [], ssh: [] }
      const post = (to: { url: string; secret: string }) =>
        Promise.all([
          writeFile(join(origin.path, 'hooks/address'), to.url),
          writeFile(join(origin.path, 'hooks/secret'), `x-gitlab-token: ${to.secret}\n`),
        ])
      const ran = async () => Number(await readFile(join(origin.path, 'hooks/ran'), 'utf8')) / 1e6
      let count = 0
      const pushed = async (road: Road) => {
        await writeFile(join(folder, 'acme/shop-work/code.c'), `int x${count++};\n`)
        origin.git('commit', '--quiet', '-a', '-m', 'Change')
        await runCommand('git', ['push', '--quiet', road.url, 'HEAD:main'], {
          cwd: join(folder, 'acme/shop-work'),
          env: road.env,
        })
        return origin.git('rev-parse', 'HEAD')
      }
      await writeFile(join(folder, 'acme/shop-work/code.c'), '')
      origin.git('add', 'code.c')
      for (let i = -1; i < context.times(20, 2); i++) {
        for (const [name, road] of Object.entries(roads) as [keyof typeof roads, Road][]) {
          await quiet(system)
          await post(bare)
          const arrived = bare.next()
          await pushed(road)
          const floor = (await arrived) - (await ran())
          await post(hooked)
          const stood = statusAt(forge, () => commit)
          let commit = ''
          commit = await pushed(road)
          const value = (await stood) - (await ran())
          // The first of each finds nothing warm.
          if (i < 0) continue
          floors[name].push(floor)
          samples[name].push(value)
        }
      }
      const at = (name: keyof typeof roads, share: number) => ({
        value: percentile(samples[name], share),
        floor: percentile(floors[name], share),
      })
      return { http: at('http', 0.5), http95: at('http', 0.95), ssh: at('ssh', 0.5), ssh95: at('ssh', 0.95) }
    } finally {
      await bare.close()
      await forge.close()
    }
  },
})

interface Road {
  url: string
  env: Record<string, string>
}

async function httpRoad(url: string): Promise<Road> {
  const to = new URL(url)
  return { url: `http://oauth2:${token}@${to.host}/acme/shop.git`, env: {} }
}

async function sshRoad(ssh: GitSsh, folder: string, path: string): Promise<Road> {
  const [key, known] = [join(folder, 'key'), join(folder, 'known')]
  await writeFile(key, ssh.privateKey, { mode: 0o600 })
  await writeFile(known, `${ssh.knownHosts}\n`)
  const command = `ssh -F /dev/null -i ${key} -o UserKnownHostsFile=${known} -o IdentitiesOnly=yes`
  return { url: ssh.url + path, env: { GIT_SSH_COMMAND: command } }
}

async function connect(system: System, forge: FakeForge): Promise<{ url: string; secret: string }> {
  const projectId = (await system.api.projects.createProject({ name: 'Push' })).project?.id ?? ''
  const credentials = { kind: { case: 'token' as const, value: { user: '', token } } }
  const { connection } = await system
    .client(ConnectionService)
    .createConnection({ projectId, name: 'forge', kind: ForgeKind.GITLAB, url: forge.url, credentials })
  const repositories = system.client(RepositoryService)
  const asked = { projectId, connectionId: connection?.id ?? '', fullName: 'acme/shop' }
  const repositoryId = (await repositories.connectRepository(asked)).repository?.id ?? ''
  await waitFor(async () => (await repositories.getRepository({ repositoryId })).repository?.headCommit !== '', {
    what: 'the pipelines in the repository are known',
    timeoutMs: 30_000,
  })
  return forge.hooks[0] ?? { url: '', secret: '' }
}

/** When a commit that is known later has its first status. */
async function statusAt(forge: FakeForge, commit: () => string): Promise<number> {
  const known = new Set(forge.statuses.map((each) => each.commit))
  let at = 0
  await waitFor(
    () => {
      if (at === 0 && forge.statuses.some((each) => !known.has(each.commit))) at = now()
      return forge.statuses.some((each) => each.commit === commit())
    },
    { what: 'the commit has a status', everyMs: 1, timeoutMs: 30_000 },
  )
  return at
}

interface Bare {
  url: string
  secret: string
  next(): Promise<number>
  close(): Promise<void>
}

async function startBare(): Promise<Bare> {
  let took: ((at: number) => void) | undefined
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      took?.(now())
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    secret: token,
    next: () => new Promise((resolve) => (took = resolve)),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
