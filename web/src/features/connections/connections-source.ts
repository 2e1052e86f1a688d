// Where connections are listed and made: for the organization, or in one of its projects.
import type { Connection, ForgeCredentials, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'

export interface ConnectionsSource {
  list(signal: AbortSignal): Promise<ListedConnection[]>
  create(asked: NewConnection): Promise<{ connection?: Connection }>
}

export interface ListedConnection {
  connection: Connection
  /** What there is to look at of what is connected by it; further repositories may be elsewhere. */
  uses: readonly ConnectionUse[]
  elsewhere: number
  /** It is the organization's, seen from a project: it is changed there. */
  isInherited: boolean
}

/** A repository, or a project that has some. */
export interface ConnectionUse {
  key: string
  text: string
  to: string
}

export interface NewConnection {
  forOrganization: boolean
  name: string
  kind: ForgeKind
  url: string
  credentials?: ForgeCredentials
  idempotencyKey: string
}
