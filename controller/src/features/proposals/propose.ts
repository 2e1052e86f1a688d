// Puts a draft into a repository. What it has begun is written down before anything is pushed, so that whoever calls again after a
// controller has died goes on with the same branch and the same request.
import { AppError, invalidField, precondition } from '@ansflow/proto/errors'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import {
  ProposalChoice,
  ProposalState,
  ProposalWay,
  type ProposePipelineRequest,
} from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { uuidv7 } from '../../platform/ids.ts'
import { type CallContext, personOf } from '../../transport/call.ts'
import { authorize } from '../access/index.ts'
import { ForgeError } from '../forges/index.ts'
import { type DraftProposal, type PipelineRow, problemsAsViolations } from '../pipelines/index.ts'
import { findProject } from '../projects/index.ts'
import { ProposalEntity, type ProposalRow } from './proposal.entity.ts'
import { toProposal } from './proposal-answer.ts'
import { type Place, placeOf, tooSlow } from './proposal-place.ts'
import type { ProposeDeps } from './propose-deps.ts'
import { conflictOf, isNotPushed, pushRefusal } from './push-errors.ts'
import { pushProposal } from './push-proposal.ts'
import { settle } from './settle.ts'

/** With what a forge is waited for, less than until another call with its key may take it over. */
const gitMs = 7500
const longestTitle = 200
const longestMessage = 10_000

export async function propose(
  deps: ProposeDeps,
  ctx: CallContext,
  pipeline: PipelineRow,
  request: ProposePipelineRequest,
) {
  const { proposing, clock, db } = deps
  const words = readWords(request)
  if (request.way === ProposalWay.COMMIT) authorize(ctx.caller, 'repository.manage', ctx.scope!)
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(gitMs)])
  const place = await placeOf(deps, ctx, pipeline, request, signal)
  const { way } = request
  if (!place.ways.includes(way)) {
    const message = `${place.connection.forge.name} has no requests that could be opened: propose a branch, or commit.`
    throw precondition('proposal_way', message, { name: place.connection.forge.name })
  }
  const merged = place.moves ? 0 : await takeTheirs(deps, ctx, pipeline, place)
  const current = (await proposing.find(db.em(), pipeline.id)) ?? pipeline
  const prefers = request.choice === ProposalChoice.REPOSITORY ? 'theirs' : 'mine'
  const draft = await proposing.prepare(
    ctx,
    current,
    { theirs: place.theirs, prefers, files: place.files },
    clock.now(),
  )
  check(request, draft)
  const open = await openProposal(deps, current.id, place)
  if (draft.yaml === place.theirs && open?.state !== ProposalState.UNFINISHED) {
    if (!place.moves) throw precondition('proposal_nothing', `${place.path} says already what the draft says.`)
    await followAtOnce(deps, ctx, current, { place, draft })
    return {}
  }
  const row = open ?? (await begin(deps, ctx, current, { place, way, words }))
  const asked = { row, place, draft, way, prefers, words, choice: request.choice } as const
  try {
    const pushed = await pushProposal(deps, ctx, asked, signal)
    const isOver = way === ProposalWay.COMMIT
    const request = way === ProposalWay.PULL_REQUEST ? await openRequest(deps, ctx, asked) : {}
    const { webUrl } = place.repository
    const { branch } = pushed
    const news = {
      ...{ url: webUrl === '' ? '' : place.connection.forge.branchUrl(webUrl, branch), problem: '', number: 0 },
      ...request,
      ...{ ...pushed, way, title: words.title, updatedAt: clock.now(), proposedByName: personOf(ctx).name },
      ...{ state: isOver ? ProposalState.MERGED : ProposalState.OPEN, openOf: isOver ? null : (row.openOf ?? null) },
    }
    const result = await ctx.change(async (em) => {
      await em.nativeUpdate(ProposalEntity, { id: row.id }, news)
      if (!draft.isMerged) await proposing.proposed(em, current, { hash: draft.mergedHash, merged })
      if (isOver) await deps.repositories.lookSoon(em, place.repository.id)
      const { commit, url } = news
      const after = { repository: place.repository.fullName, path: place.path, branch, commit, url }
      return { result: { ...row, ...news }, resource: { kind: 'pipeline', id: current.id, name: current.name }, after }
    })
    if (draft.isMerged) {
      const holds = await proposing.absorb(current.id, draft, { by: personOf(ctx), now: clock.now() })
      // Not before: whoever dies in between must not leave a draft that is said to hold what it does not.
      if (holds) await proposing.proposed(db.em(), current, { hash: draft.mergedHash, merged })
    }
    deps.bus.publish(isOver ? 'repository.due' : 'repository.changed', {
      repositoryId: place.repository.id,
      projectId: place.repository.projectId,
    })
    deps.bus.publish('proposals.changed', { projectId: row.projectId, pipelineId: current.id })
    return { proposal: toProposal(result) }
  } catch (error) {
    if (row.commit === '' && isNotPushed(error)) await takeBack(deps, row, current, place)
    if (signal.aborted && !(error instanceof AppError)) throw tooSlow(place.repository)
    throw error instanceof AppError ? error : pushRefusal(error)
  }
}

function readWords({ title, message }: ProposePipelineRequest): { title: string; message: string } {
  const line = title.trim()
  if (line === '' || [...line].length > longestTitle || /\p{Cc}/u.test(line)) {
    throw invalidField('title', `must have 1 to ${longestTitle} characters on one line`, 'proposal_title')
  }
  if (message.length > longestMessage) {
    throw invalidField('message', `must have at most ${longestMessage} characters`, 'proposal_title')
  }
  return { title: line, message: message.trim() }
}

function check({ expectedHash, choice }: ProposePipelineRequest, draft: DraftProposal): void {
  const { hash, isRepresentable, problems, conflicts } = draft
  if (expectedHash !== '' && expectedHash !== hash) {
    throw precondition('draft_moved', 'The draft has changed since you looked at it.', { hash })
  }
  if (!isRepresentable) {
    throw precondition('not_representable', 'The draft holds something that a pipeline file cannot say.')
  }
  if (conflicts.length > 0 && choice === ProposalChoice.UNSPECIFIED) throw conflictOf(conflicts)
  if (problems.some(({ severity }) => severity === Severity.ERROR)) throw problemsAsViolations(problems)
}

/** What the default branch says by now is the latest version, before the draft is held against it: which one. 0: it is no pipeline. */
async function takeTheirs(
  { takeFile, clock, proposing }: ProposeDeps,
  ctx: CallContext,
  pipeline: PipelineRow,
  place: Place,
): Promise<number> {
  const { repository, theirs, path, head, files } = place
  if (theirs === undefined) return 0
  if (pipeline.repositoryId && (await proposing.latestFile(ctx.em, pipeline)) === theirs) return pipeline.latestVersion
  const { organizationId, projectId, id: repositoryId, fullName } = repository
  const { taken } = await takeFile({
    scope: { organizationId, projectId },
    file: { repositoryId, path },
    yaml: theirs,
    files,
    note: `${fullName} ${head.slice(0, 12)}`,
    author: fullName,
    isHead: true,
    // The repository was asked after the pipeline was read.
    stillHead: async () => new Map([[pipeline.id, pipeline.latestVersion]]),
    ofStrangers: false,
    change: ctx.change,
    now: clock.now(),
  })
  return taken?.version ?? 0
}

async function followAtOnce(
  deps: ProposeDeps,
  ctx: CallContext,
  pipeline: PipelineRow,
  { place, draft }: { place: Place; draft: DraftProposal },
): Promise<void> {
  const { proposing, clock } = deps
  if (draft.isMerged) await proposing.absorb(pipeline.id, draft, { by: personOf(ctx), now: clock.now() })
  await ctx.change(async (em) => {
    await proposing.follow(em, pipeline, { repositoryId: place.repository.id, path: place.path })
    const after = { repository: place.repository.fullName, path: place.path }
    return { result: undefined, resource: { kind: 'pipeline', id: pipeline.id, name: pipeline.name }, after }
  })
  await takeTheirs(deps, ctx, pipeline, place)
}

/** Undefined: there is none any more. */
async function openProposal(deps: ProposeDeps, pipelineId: string, place: Place): Promise<ProposalRow | undefined> {
  const row = await deps.db.em().findOne(ProposalEntity, { openOf: pipelineId })
  if (!row) return undefined
  if (row.repositoryId !== place.repository.id || row.path !== place.path) {
    await deps.db.em().nativeUpdate(ProposalEntity, { id: row.id }, { openOf: null, state: ProposalState.CLOSED })
    return undefined
  }
  return (await settle(deps, row, place)) ? undefined : row
}

async function begin(
  { db, clock, proposing }: ProposeDeps,
  ctx: CallContext,
  pipeline: PipelineRow,
  { place, way, words }: { place: Place; way: ProposalWay; words: { title: string } },
): Promise<ProposalRow> {
  const id = ctx.makes ?? uuidv7()
  const now = clock.now()
  const { repository, path, moves } = place
  const row: ProposalRow = {
    ...{ id, projectId: pipeline.projectId, pipelineId: pipeline.id, openOf: pipeline.id },
    ...{ repositoryId: repository.id, path, way, state: ProposalState.UNFINISHED, title: words.title },
    // Also of a commit on the default branch: whoever goes on with it may want a request.
    branch: branchOf(pipeline.name, id),
    ...{
      commit: '',
      number: 0,
      url: '',
      problem: '',
      proposedByName: personOf(ctx).name,
      createdAt: now,
      updatedAt: now,
    },
  }
  try {
    await db.transaction(async (em) => {
      await em.insert(ProposalEntity, row)
      // Before it is there: whoever sees it first knows whose it is.
      if (moves) await proposing.awaitFile(em, pipeline.id, { repositoryId: repository.id, path })
    })
    return row
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error
    const message = 'Somebody else proposes this pipeline at this moment. Look again, then propose.'
    throw new AppError('aborted', message, { reason: 'proposal_rival' })
  }
}

async function takeBack(
  { db, proposing }: ProposeDeps,
  row: ProposalRow,
  pipeline: PipelineRow,
  { moves }: Place,
): Promise<void> {
  await db.transaction(async (em) => {
    const gone = await em.nativeDelete(ProposalEntity, { id: row.id, commit: '' })
    if (gone === 1 && moves) await proposing.stopAwaiting(em, pipeline)
  })
}

function branchOf(name: string, id: string): string {
  const word = name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
  return `ansflow/${word || 'pipeline'}-${id.replaceAll('-', '').slice(-6)}`
}

/** A request that cannot be opened is told of: the branch is there, and the same again goes on. */
async function openRequest(
  { publicUrl }: ProposeDeps,
  ctx: CallContext,
  {
    row,
    place,
    draft,
    words,
  }: { row: ProposalRow; place: Place; draft: DraftProposal; words: { title: string; message: string } },
): Promise<Pick<ProposalRow, 'number' | 'url' | 'problem'> | Pick<ProposalRow, 'problem'>> {
  const { repository, connection, defaultBranch } = place
  const base = publicUrl()
  const project = await findProject(ctx.em, row.projectId)
  const isLinked = base !== '' && project
  const page = isLinked ? `[AnsFlow](${base}/p/${project.slug}/pipelines/${row.pipelineId}/edit)` : 'AnsFlow'
  const body = [words.message, draft.markdown, `Proposed by ${mention(personOf(ctx).name)} in ${page}.`]
    .filter(Boolean)
    .join('\n\n')
  const asked = { head: row.branch, base: defaultBranch, title: words.title, body }
  try {
    const { number, url } = await connection.ask(
      (client, until) => client.putPullRequest!(repository.fullName, asked, until),
      ctx.signal,
    )
    return { number, url: url.slice(0, 2048), problem: '' }
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error
    return { number: row.number, url: row.url, problem: error.message.slice(0, 512) }
  }
}

/** A name that mentions nobody and is no markup. */
function mention(name: string): string {
  return name.replace(/[\\`*_{}[\]<>()#+!|@~-]/g, '\\$&').replace(/\p{Cc}/gu, ' ')
}
