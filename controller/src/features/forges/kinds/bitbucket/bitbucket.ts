// Bitbucket Cloud. Its server edition speaks otherwise.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { Forge } from '../../forge.ts'
import { branchPath } from '../../pull-request.ts'
import { readEvents } from '../../read-events.ts'
import { isSignedIn } from '../../signatures.ts'
import { bitbucketClient } from './bitbucket-client.ts'
import { bitbucketEvents } from './bitbucket-events.ts'

export const bitbucket: Forge = {
  kind: ForgeKind.BITBUCKET,
  name: 'Bitbucket',
  can: new Set(['hooks', 'search', 'pullRequests', 'comments', 'statuses']),
  deliveryHeader: 'x-request-uuid',
  eventHeader: 'x-event-key',
  pullRequestRef: () => undefined,
  branchUrl: (webUrl, branch) => `${webUrl}/src/${branchPath(branch)}`,
  isSigned: isSignedIn(['x-hub-signature']),
  read: (headers, body) => readEvents(bitbucketEvents, headers, body),
  client: bitbucketClient,
}
