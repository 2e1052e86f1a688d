// Owns what pipelines need of live drafts; collab, which holds the documents people have open, provides it.
import * as Y from 'yjs'

/** Something that happened to a pipeline, told to everyone who has it open. */
export type DraftNotice =
  | { kind: 'published'; version: number; by: string }
  | { kind: 'applied'; by: string }
  | { kind: 'name_taken'; name: string }
  /** The draft, as it was at that moment, runs. */
  | { kind: 'run_started'; runId: string; number: number; by: string; userId: string }

export interface Drafts {
  /** Lets `work` change the document that everybody has; resolves once that is stored. Throws `not_found`. */
  edit<T>(pipelineId: string, work: (doc: Y.Doc) => T): Promise<T>
  /** The document as it is, with everything stored by any controller. */
  read<T>(pipelineId: string, work: (doc: Y.Doc) => T): Promise<T>
  /** The document in updates (V2) that are to be applied together, for a worker to read. Throws `not_found`. */
  updates(pipelineId: string): Promise<Uint8Array[]>
  /** Lets the document that everybody has take a change (V2); resolves once that is stored. Throws `not_found`. */
  merge(pipelineId: string, change: Uint8Array, by: { userId: string }): Promise<void>
  announce(pipelineId: string, notice: DraftNotice): void
  /** After the pipeline was deleted: closes the document for everyone. */
  drop(pipelineId: string): void
}

/** The whole document, for a worker to read. */
export function stateOf(doc: Y.Doc): Uint8Array {
  return Y.encodeStateAsUpdateV2(doc)
}
