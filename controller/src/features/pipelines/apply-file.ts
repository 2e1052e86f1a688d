// Makes the draft of the pipeline with a file's name say what the file says; makes the pipeline when there is none.
import { AppError } from '@ansflow/proto/errors'
import { type Problem, ProblemSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { AgentLabels } from '@ansflow/proto/validate'
import { create } from '@bufbuild/protobuf'
import type { Db } from '../../platform/db.ts'
import type { Workers } from '../../platform/workers.ts'
import type { CallContext } from '../../transport/call.ts'
import { createPipeline } from './create-pipeline.ts'
import { deriveDraft } from './derive-draft.ts'
import { draftTasks } from './draft-task-file.ts'
import type { Drafts } from './drafts.ts'
import type { DraftIncludes } from './includes/include-sources.ts'
import { type ReadIncludes, withIncludes } from './includes/resolve-includes.ts'
import { asWarnings, type Lacking } from './lacking.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { problemsFrom } from './problems.ts'
import { writeDraft } from './write-draft.ts'

export interface FileApplication {
  db: Db
  /** As a call makes it: one row of the audit for what the file changed. */
  change: CallContext['change']
  drafts: Drafts
  workers: Workers
  projectId: string
  yaml: string
  agents: AgentLabels
  lacking: Lacking
  includes: DraftIncludes
  by: { userId: string; name: string }
  now: Date
}

/** `row` is undefined when the file has errors: nothing was changed. `written`: in the audit, if anything is to be. */
export async function applyFile({
  db,
  change: record,
  drafts,
  workers,
  projectId,
  yaml,
  agents,
  lacking,
  includes: sourcesOf,
  by,
  now,
}: FileApplication): Promise<{ row: PipelineRow | undefined; problems: Problem[]; written: boolean }> {
  const find = (name: string) => db.em().findOne(PipelineEntity, { projectId, name })
  const sources = async ({ name }: { name: string }) =>
    sourcesOf({ projectId, repositoryId: (await find(name))?.repositoryId ?? null })
  let includes: ReadIncludes | undefined
  const read = (found?: ReadIncludes) => {
    includes = found
    return workers.run(draftTasks, 'readFile', { yaml, agents, includes }, by.userId)
  }
  const file = await withIncludes({ workers, by: by.userId, sources }, read)
  const found = problemsFrom(file.problems)
  if (!file.isRight) return { row: undefined, problems: found, written: true }
  const present = await find(file.name)
  const ofKept = present?.repositoryId ? [] : problemsFrom(file.ofKept)
  const lacks = [...asWarnings(await lacking(file.demands)), ...ofKept]
  const places = lacks.map(({ stepId, field }) => ({ stepId, field }))
  const placed =
    lacks.length > 0 ? await workers.run(draftTasks, 'placeProblems', { yaml, problems: places }, by.userId) : []
  const problems = [...found, ...lacks.map((each, index) => create(ProblemSchema, { ...each, ...placed[index] }))]
  if (!present) {
    const seed = await workers.run(draftTasks, 'seedFromFile', yaml, by.userId)
    return { row: await createPipeline(record, projectId, seed, now), problems, written: true }
  }
  const was = await drafts.stored(present.id)
  // What others change meanwhile is merged, as it is with any two who edit at once.
  const asked = { yaml, was, includes, prefers: 'file' } as const
  const { holds, changed } = await writeDraft({ drafts, workers }, present.id, asked, by.userId)
  if (!holds) throw new AppError('aborted', 'Others change the draft all the time. Try again.')
  if (!changed) return { row: present, problems, written: false }
  const named = await workers.run(draftTasks, 'nameDraft', await drafts.updates(present.id), by.userId)
  const { row = present } = await deriveDraft(db, present.id, named, now)
  drafts.announce(present.id, { case: 'applied', value: { by: by.name } })
  return { row, problems, written: false }
}
