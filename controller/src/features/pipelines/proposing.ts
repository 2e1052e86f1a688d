// What proposals need of pipelines: what the draft makes of the file, and what is kept of that with the pipeline.
import type { AgentLabels } from '@ansflow/proto/validate'
import type { Db, EntityManager } from '../../platform/db.ts'
import type { Workers } from '../../platform/workers.ts'
import type { CallContext } from '../../transport/call.ts'
import type { PipelineFile } from './create-pipeline.ts'
import { deriveDraft } from './derive-draft.ts'
import type { StoredDraft } from './draft-store.ts'
import { draftTasks } from './draft-task-file.ts'
import type { Drafts } from './drafts.ts'
import { moveBase } from './follow-file.ts'
import { type CommitFiles, includeSources, type May } from './includes/include-sources.ts'
import { type ReadIncludes, withIncludes } from './includes/resolve-includes.ts'
import { askedBy, lackingOf } from './lacking.ts'
import type { PipelineParticipant } from './participant.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { problemsFrom } from './problems.ts'
import { proposalTasks } from './proposal-task-file.ts'
import { loadVersion } from './runnable-graph.ts'
import { awaitFile, followFile, keepInAnsflow, stopAwaiting } from './where-kept.ts'
import { writeDraft } from './write-draft.ts'

interface Deps {
  db: Db
  drafts: () => Drafts
  workers: Workers
  participants: () => readonly PipelineParticipant[]
  agentLabels(organizationId: string): Promise<AgentLabels>
}

export interface Against {
  /** What the file says now; undefined: there is none. */
  theirs: string | undefined
  prefers: 'mine' | 'theirs'
  /** Of the commit that it is to be put on. */
  files: CommitFiles
}

export type DraftProposal = Awaited<ReturnType<ReturnType<typeof proposing>['prepare']>>

export function proposing({ db, drafts, workers, participants, agentLabels }: Deps) {
  return {
    find: (em: EntityManager, id: string) => em.findOne(PipelineEntity, { id }),

    /** Whose file it is, or is to be; undefined: nobody's. */
    async ofFile(em: EntityManager, { repositoryId, path }: PipelineFile): Promise<PipelineRow | undefined> {
      const follows = await em.findOne(PipelineEntity, { repositoryId, filePath: path })
      return (
        follows ??
        (await em.findOne(PipelineEntity, { otherRepositoryId: repositoryId, otherFilePath: path })) ??
        undefined
      )
    },

    /** The text of the latest version; undefined: there is none. */
    async latestFile(em: EntityManager, { id, latestVersion }: PipelineRow): Promise<string | undefined> {
      return latestVersion > 0 ? (await loadVersion(em, id, latestVersion)).yaml : undefined
    },

    async prepare(ctx: CallContext, row: PipelineRow, { theirs, prefers, files }: Against, now: Date) {
      const { draftBase, repositoryId, projectId } = row
      const follows = repositoryId !== null && draftBase > 0
      const base = follows ? (await loadVersion(ctx.em, row.id, draftBase)).yaml : undefined
      const stored = await drafts().stored(row.id)
      const { updates } = stored
      const draft = askedBy(ctx, { projectId, now })
      const agents = await agentLabels(draft.organizationId)
      const asked = { updates, agents, base, theirs, prefers }
      const by = draft.by.userId
      // As a file it reaches what its own project has.
      const may: May = (permission, scope) => scope.projectId === projectId && draft.may(permission, scope)
      const sources = async () => includeSources(ctx.em, { projectId, files, may })
      let includes: ReadIncludes | undefined
      const { problems, ...prepared } = await withIncludes({ workers, by, sources }, (read) => {
        includes = read
        return workers.run(proposalTasks, 'proposeDraft', { ...asked, includes }, by)
      })
      const lacks = await lackingOf({ participants: participants(), em: ctx.em, draft })(prepared.demands)
      return { ...prepared, stored, includes, problems: [...problemsFrom(problems), ...lacks] }
    },

    /**
     * What others changed in the file comes into the draft, beside what was typed since that was read. False: the draft does not hold all
     * of it, since what was typed contradicts it.
     */
    async absorb(
      pipelineId: string,
      { stored: was, yaml, includes }: { stored: StoredDraft; yaml: string; includes: ReadIncludes | undefined },
      { by, now }: { by: { userId: string; name: string }; now: Date },
    ): Promise<boolean> {
      const written = { yaml, was, includes, prefers: 'draft' } as const
      const { holds, changed } = await writeDraft({ drafts: drafts(), workers }, pipelineId, written, by.userId)
      if (!changed) return holds
      const named = await workers.run(draftTasks, 'nameDraft', await drafts().updates(pipelineId), by.userId)
      await deriveDraft(db, pipelineId, named, now)
      drafts().announce(pipelineId, { case: 'applied', value: { by: by.name } })
      return holds
    },

    /**
     * This was proposed, and the draft holds it. `merged`: the version that it was merged with, into what the row says that the draft was
     * made of; 0: with none.
     */
    async proposed(em: EntityManager, row: PipelineRow, { hash, merged }: { hash: string; merged: number }) {
      await em.nativeUpdate(PipelineEntity, { id: row.id }, { proposedHash: hash })
      if (merged > row.draftBase) await moveBase({ em: () => em }, row, merged)
    },

    mergeText: (sides: { base: string; mine: string; theirs: string; prefers: 'mine' | 'theirs' }, by: string) =>
      workers.run(proposalTasks, 'mergeProposed', sides, by),

    awaitFile,
    stopAwaiting,
    follow: (em: EntityManager, row: PipelineRow, file: PipelineFile) => followFile(em, participants(), row, file),
    keep: (em: EntityManager, row: PipelineRow) => keepInAnsflow(em, participants(), row),
  }
}

export type Proposing = ReturnType<typeof proposing>
