// GitHub, and GitHub Enterprise Server.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { Forge } from '../../forge.ts'
import { branchPath } from '../../pull-request.ts'
import { readEvents } from '../../read-events.ts'
import { isSignedIn } from '../../signatures.ts'
import { githubClient } from './github-client.ts'
import { githubEvents } from './github-events.ts'

export const github: Forge = {
  kind: ForgeKind.GITHUB,
  name: 'GitHub',
  can: new Set(['hooks', 'search', 'pullRequests', 'comments', 'statuses', 'checks', 'deployments']),
  deliveryHeader: 'x-github-delivery',
  eventHeader: 'x-github-event',
  pullRequestRef: (number) => `refs/pull/${number}/head`,
  branchUrl: (webUrl, branch) => `${webUrl}/tree/${branchPath(branch)}`,
  isSigned: isSignedIn(['x-hub-signature-256']),
  read: (headers, body) => readEvents(githubEvents, headers, body),
  client: githubClient,
}
