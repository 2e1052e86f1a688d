// Owns what pipelines need of live drafts; collab, which holds the documents people have open, provides it.

/** Something that happened to a pipeline, told to everyone who has it open. */
export type DraftNotice =
  | { kind: 'published'; version: number; by: string }
  | { kind: 'applied'; by: string }
  | { kind: 'name_taken'; name: string }
  /** The draft, as it was at that moment, runs. */
  | { kind: 'run_started'; runId: string; number: number; by: string; userId: string }

export interface Drafts {
  /** The document in updates (V2) that are to be applied together, for a worker to read. Throws `not_found`. */
  updates(pipelineId: string): Promise<Uint8Array[]>
  /** Lets the document that everybody has take a change (V2); resolves once that is stored. Throws `not_found`. */
  merge(pipelineId: string, change: Uint8Array, by: { userId: string }): Promise<void>
  announce(pipelineId: string, notice: DraftNotice): void
  /** After the pipeline was deleted: closes the document for everyone. */
  drop(pipelineId: string): void
}
