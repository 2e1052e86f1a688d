// Any git server. It has no interface: what it says of itself is what its hook posts.
import { AppError } from '@ansflow/proto/errors'
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { gitUrlProblem } from '@ansflow/proto/steps/git-url'
import { saidText } from '@ansflow/proto/texts/said-text'
import { isSecret } from '../../../../platform/signed.ts'
import { addressOf, tokenOnly } from '../../access.ts'
import type { Forge, ForgeAccess, ForgeClient } from '../../forge.ts'
import { repositoryPath } from '../../forge-http.ts'
import { headerOf, readEvents } from '../../read-events.ts'
import { isSignedIn } from '../../signatures.ts'
import { gitEvents } from './git-events.ts'

const isHookSigned = isSignedIn(['x-ansflow-signature'])

export const git: Forge = {
  kind: ForgeKind.GIT,
  name: 'Git',
  can: new Set(),
  deliveryHeader: 'x-ansflow-delivery',
  eventHeader: 'x-ansflow-event',
  pullRequestRef: () => undefined,
  branchUrl: () => '',
  isSigned(headers, body, secret) {
    const [, given = ''] = /^bearer +(\S+)$/i.exec(headerOf(headers, 'authorization')) ?? []
    const says = isSecret(given, secret)
    return (says && secret !== '') || isHookSigned(headers, body, secret)
  },
  read: (headers, body) => readEvents(gitEvents, headers, body),
  client: gitClient,
}

/** Nobody is asked anything: names and addresses are what was given. */
function gitClient({ url, credentials }: ForgeAccess): ForgeClient {
  const given = credentials.kind === 'sshKey' ? credentials : tokenOnly(credentials)
  const address = gitAddressOf(url)
  return {
    async whoAmI() {
      return { name: given.kind === 'token' ? given.user : '', scopes: [] }
    },
    async repository(fullName) {
      const cloneUrl = `${address}/${gitPath(fullName)}`
      return { fullName, cloneUrl, webUrl: '', defaultBranch: '', isPrivate: given.kind !== 'none', description: '' }
    },
    async gitCredentials() {
      if (given.kind === 'token') return { kind: 'password', username: given.user || 'git', password: given.token }
      return given.kind === 'sshKey' ? given : undefined
    },
  }
}

/** "ssh://git@git.example.org:2222/srv", or of the web. */
function gitAddressOf(url: string): string {
  if (!/^ssh:/i.test(url)) return addressOf(url)
  const problem = gitUrlProblem(url)
  if (problem) throw new AppError('invalid_argument', saidText(problem))
  return url.replace(/\/+$/, '')
}

/** Here a repository need not be below anything: "shop.git". */
function gitPath(fullName: string): string {
  return fullName.includes('/') ? repositoryPath(fullName) : repositoryPath(`x/${fullName}`).slice(2)
}
