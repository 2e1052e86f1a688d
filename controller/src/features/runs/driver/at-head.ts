// What a schedule or a call starts names no commit: a pipeline that is a file of a repository is run for the one that the file is of.
import type { GitFacts } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { RunStart } from './insert-runs.ts'

/** Undefined: it is no file of a repository, or nothing is known of that yet. */
export type AskHead = (pipelineId: string) => Promise<GitFacts | undefined>

export async function atHead(start: RunStart, ask: AskHead): Promise<RunStart> {
  const { origin, pipelineId } = start
  const { case: cause } = origin.cause
  if (origin.git || (cause !== 'schedule' && cause !== 'webhook')) return start
  const git = await ask(pipelineId)
  return git ? { ...start, origin: { ...origin, git, verified: true } } : start
}
