// Gitea, and Forgejo, which speaks as it does.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { Forge } from '../../forge.ts'
import { branchPath } from '../../pull-request.ts'
import { readEvents } from '../../read-events.ts'
import { isSignedIn } from '../../signatures.ts'
import { giteaClient } from './gitea-client.ts'
import { giteaEvents } from './gitea-events.ts'

export const gitea: Forge = {
  kind: ForgeKind.GITEA,
  name: 'Gitea',
  can: new Set(['hooks', 'search', 'pullRequests', 'comments', 'statuses', 'deploymentStatuses']),
  // Forgejo sends it as well.
  deliveryHeader: 'x-gitea-delivery',
  eventHeader: 'x-gitea-event',
  // Of versions before 1.17.
  secretFields: ['secret'],
  pullRequestRef: (number) => `refs/pull/${number}/head`,
  branchUrl: (webUrl, branch) => `${webUrl}/src/branch/${branchPath(branch)}`,
  isSigned: isSignedIn(['x-forgejo-signature', 'x-gitea-signature', 'x-hub-signature-256']),
  read: (headers, body) => readEvents(giteaEvents, headers, body),
  client: giteaClient,
}
