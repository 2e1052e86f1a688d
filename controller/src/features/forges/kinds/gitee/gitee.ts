// Gitee. It shows no status of commits that others could set.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { isBase64Signature } from '../../../../platform/signed.ts'
import type { Forge } from '../../forge.ts'
import { branchPath } from '../../pull-request.ts'
import { headerOf, readEvents } from '../../read-events.ts'
import { isFresh, isSecretIn } from '../../signatures.ts'
import { giteeClient } from './gitee-client.ts'
import { giteeEvents } from './gitee-events.ts'

export const gitee: Forge = {
  kind: ForgeKind.GITEE,
  name: 'Gitee',
  can: new Set(['hooks', 'search', 'pullRequests', 'comments']),
  deliveryHeader: '',
  eventHeader: 'x-gitee-event',
  secretFields: ['password', 'sign'],
  pullRequestRef: (number) => `refs/pull/${number}/head`,
  branchUrl: (webUrl, branch) => `${webUrl}/tree/${branchPath(branch)}`,
  /** The secret itself, or what it signs: the time and itself, not the body. */
  isSigned(headers, _, secret, now) {
    const says = isSecretIn(headers, 'x-gitee-token', secret)
    const at = headerOf(headers, 'x-gitee-timestamp')
    const given = plainSignature(headerOf(headers, 'x-gitee-token'))
    const signs = isBase64Signature(given, `${at}\n${secret}`, secret)
    return says || (signs && secret !== '' && isFresh(at, 1, now))
  },
  read: (headers, body) => readEvents(giteeEvents, headers, body),
  client: giteeClient,
}

/** It is documented with the signs that addresses need, and sent without them. */
function plainSignature(token: string): string {
  return token.replace(/%2b/gi, '+').replace(/%2f/gi, '/').replace(/%3d/gi, '=')
}
