// Owns what pipelines need of live drafts; collab, which holds the documents people have open, provides it.
import type { CollabNoticeSchema } from '@ansflow/proto/gen/ansflow/v1/collab_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { StoredDraft } from './draft-store.ts'

/** Something that happened to a pipeline, told to everyone who has it open. */
export type DraftNotice = NonNullable<MessageInitShape<typeof CollabNoticeSchema>['kind']>

export interface Drafts {
  /** The document in updates (V2) that are to be applied together, for a worker to read. Throws `not_found`. */
  updates(pipelineId: string): Promise<Uint8Array[]>
  /** The same as it is stored now, with what was typed here so far, and how far that is. Throws `not_found`. */
  stored(pipelineId: string): Promise<StoredDraft>
  /** Stores a change (V2) that was made of what was stored at `seq`. False: somebody has changed it since, and nothing was written. */
  append(pipelineId: string, seq: number, change: Uint8Array): Promise<boolean>
  announce(pipelineId: string, notice: DraftNotice): void
  /** After the pipeline was deleted: closes the document for everyone. */
  drop(pipelineId: string): void
}
