// The draft of a pipeline that is a file follows its versions, unless somebody works on it. What it was made of is written down once it
// holds that, and only in the place of what was read before: whoever dies in between leaves a base that is too old, which the next merge
// makes good, and never one that the draft does not hold.
import type { Db } from '../../platform/db.ts'
import type { Workers } from '../../platform/workers.ts'
import { deriveDraft } from './derive-draft.ts'
import { draftTasks } from './draft-task-file.ts'
import type { Drafts } from './drafts.ts'
import { followTasks } from './follow-task-file.ts'
import type { IncludeSources } from './includes/include-sources.ts'
import { withIncludes } from './includes/resolve-includes.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { loadVersion } from './runnable-graph.ts'

/** Whoever types all the time works on it, and is left alone. */
const mostTries = 10

export interface FollowDeps {
  db: Db
  drafts: Drafts
  workers: Workers
}

export interface Followed {
  pipelineId: string
  version: number
  yaml: string
  /** Of the file that it is. */
  sources(): Promise<IncludeSources>
  /** Hashes of drafts that nobody has worked on, beside what the draft was made of. */
  unedited: string[]
}

/** Writes down that the draft holds the version, if it does. */
export async function settleBase(deps: FollowDeps, followed: Followed): Promise<void> {
  const against = await holdAgainst(deps, followed)
  if (against?.stands === 'holds') await moveBase(deps.db, against.row, followed.version)
}

/** The row afterwards; undefined: the pipeline is gone. */
export async function followVersion(
  deps: FollowDeps,
  followed: Followed,
  by: { author: string; now: Date },
): Promise<PipelineRow | undefined> {
  for (let next = followed; ; ) {
    await followOne(deps, next, by)
    const row = await find(deps.db, next.pipelineId)
    // Whoever has made the next one meanwhile may have found the draft between two versions, and left it alone.
    if (!row || row.repositoryId === null || row.latestVersion <= next.version) return row
    const { yaml } = await loadVersion(deps.db.em(), row.id, row.latestVersion)
    next = { ...next, version: row.latestVersion, yaml }
  }
}

async function followOne(
  deps: FollowDeps,
  followed: Followed,
  { author, now }: { author: string; now: Date },
): Promise<void> {
  const { db, drafts, workers } = deps
  const { pipelineId, version } = followed
  for (let tries = 0; tries < mostTries; tries++) {
    const against = await holdAgainst(deps, followed)
    if (!against || against.stands === 'apart') return
    if (against.stands === 'follows' && against.change) {
      // Another controller may let it follow as well: twice the same change would be there twice.
      if (!(await drafts.append(pipelineId, against.seq, against.change))) continue
      // Beside what was typed meanwhile.
      const updates = await drafts.updates(pipelineId)
      const named = await workers.run(draftTasks, 'nameDraft', updates, against.row.projectId)
      await deriveDraft(db, pipelineId, named, now)
      drafts.announce(pipelineId, { case: 'applied', value: { by: author } })
    }
    return moveBase(db, against.row, version)
  }
}

/** Of the draft as it is now. Undefined: it was made of this version, or of a later one. */
async function holdAgainst({ db, drafts, workers }: FollowDeps, { pipelineId, version, ...followed }: Followed) {
  const row = await find(db, pipelineId)
  if (!row || row.draftBase >= version) return undefined
  const { yaml: theirs, unedited, sources } = followed
  const { draftBase, proposedHash: proposed, projectId: by } = row
  const base = draftBase > 0 ? (await loadVersion(db.em(), pipelineId, draftBase)).yaml : undefined
  const { seq, updates } = await drafts.stored(pipelineId)
  const asked = { updates, base, theirs, proposed, unedited }
  const against = await withIncludes({ workers, by, sources }, (includes) =>
    workers.run(followTasks, 'followDraft', { ...asked, includes }, by),
  )
  return { row, seq, ...against }
}

/** The draft holds this version, and was made of what the row says when it was read. */
export async function moveBase(
  db: Pick<Db, 'em'>,
  { id, draftBase }: Pick<PipelineRow, 'id' | 'draftBase'>,
  version: number,
): Promise<void> {
  await db.em().nativeUpdate(PipelineEntity, { id, draftBase }, { draftBase: version })
}

async function find(db: Db, id: string): Promise<PipelineRow | undefined> {
  return (await db.em().findOne(PipelineEntity, { id })) ?? undefined
}
