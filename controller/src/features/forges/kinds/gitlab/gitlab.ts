// GitLab, of any edition and host.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { Forge } from '../../forge.ts'
import { branchPath } from '../../pull-request.ts'
import { readEvents } from '../../read-events.ts'
import { isSecretIn, isStandardSigned } from '../../signatures.ts'
import { gitlabClient } from './gitlab-client.ts'
import { gitlabEvents } from './gitlab-events.ts'

export const gitlab: Forge = {
  kind: ForgeKind.GITLAB,
  name: 'GitLab',
  can: new Set(['hooks', 'search', 'pullRequests', 'comments', 'statuses', 'deployments']),
  // Of x-gitlab-event-uuid there are several that are the same: it is of what set off one hook through another.
  deliveryHeader: 'idempotency-key',
  eventHeader: 'x-gitlab-event',
  pullRequestRef: (number) => `refs/merge-requests/${number}/head`,
  branchUrl: (webUrl, branch) => `${webUrl}/-/tree/${branchPath(branch)}`,
  isSigned(headers, body, secret, now) {
    const [says, signs] = [isSecretIn(headers, 'x-gitlab-token', secret), isStandardSigned(headers, body, secret, now)]
    return says || signs
  },
  read: (headers, body) => readEvents(gitlabEvents, headers, body),
  client: gitlabClient,
}
