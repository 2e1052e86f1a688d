// Who else keeps something of pipelines: written in the transactions that publish and delete them.

import type { Permission, ProjectScope, Scope } from '@ansflow/proto/access'
import type { Demands } from '@ansflow/proto/demands'
import type { Problem, Triggers } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { EntityManager } from '../../platform/db.ts'
import type { PipelineRow } from './pipeline.entity.ts'

export interface PipelineParticipant {
  /** For people who read errors. */
  name: string
  /**
   * A version has become the latest one. The transaction may run again, so this must only touch `em`. What it throws keeps the
   * version from being made.
   */
  published?(em: EntityManager, publication: NewVersion): Promise<void>
  /**
   * What a draft asks of what this feature keeps and is not there. Only reads, in a bounded number of statements: it is asked when a
   * draft is looked at, applied and published, never while somebody types. An error is one that `published` throws too.
   */
  lacking?(em: EntityManager, draft: AskingDraft): Promise<Problem[]>
  /** It is kept in AnsFlow from now on, or follows a file from now on; `triggers`: of its latest version. */
  moved?(em: EntityManager, move: { pipeline: PipelineRow; triggers: Triggers | undefined }): Promise<void>
  /** The pipeline is gone, with its draft and versions. */
  deleted?(em: EntityManager, pipelineId: string): Promise<void>
}

export interface AskingDraft {
  organizationId: string
  projectId: string
  demands: Demands
  /** What whoever asks may do, by their grants and token. */
  may(permission: Permission, scope: Scope): boolean
  by: { userId: string }
  now: Date
}

export interface NewVersion {
  pipeline: PipelineRow
  number: number
  triggers: Triggers | undefined
  /** Pipelines that its steps run, by the names they give. */
  calls: readonly { stepId: string; pipeline: string }[]
  /** That its steps name as they are, with the steps. */
  environments: Demands['environments']
  /** What whoever publishes it may do, by their grants and token. */
  may(permission: Permission, scope: ProjectScope): boolean
  by: { userId: string; name: string }
  now: Date
}
