// Works deliveries off. Any controller may; one at a time has a delivery, and whoever goes on with it begins no run twice.
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { saidText } from '@ansflow/proto/texts/said-text'
import { type Said, say } from '@ansflow/proto/texts/say'
import { GitError } from '../../platform/git/git.ts'
import { type Lanes, type LanesLoop, lanesLoop } from '../../platform/lanes.ts'
import { ForgeError } from '../forges/index.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import type { AnswersFirst } from './answers-first.ts'
import { claimDelivery, Overtaken } from './claim.ts'
import { jsonOf } from './decisions.ts'
import { RepositoryDeliveryEntity, type RepositoryDeliveryRow } from './delivery.entity.ts'
import { forgetOld, repeatOf } from './inbox.ts'
import { type Outcome, outcomeOf, type WorkOffDeps } from './outcome.ts'
import { leftDecisions } from './plan-runs.ts'
import { tellGivenUp } from './tell-refusals.ts'

/** Read at once. */
const pageSize = 50
/** Repositories. */
const atOnce = 8
const mostAttempts = 12

/** Repositories by themselves, each one delivery after the other: a git server that is slow holds up its own. */
export function workOff(deps: WorkOffDeps, answers: AnswersFirst): LanesLoop {
  const { db, clock, log } = deps
  const due = () => ({ result: RepositoryDeliveryResult.TAKEN, nextAt: { $lte: clock.now() } })

  async function scan(begun: Lanes, stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted && !begun.isFull) {
      const where = { ...due(), repositoryId: { $nin: begun.keys() } }
      const next = await db
        .em()
        .findOne(RepositoryDeliveryEntity, where, { orderBy: { id: 'asc' }, fields: ['repositoryId'] })
      if (!next) return
      begun.begin(next.repositoryId, () => workAll(next.repositoryId, stopping))
    }
  }

  async function workAll(repositoryId: string, stopping: AbortSignal): Promise<void> {
    for (let more = true; more && !stopping.aborted; ) {
      const page = { orderBy: { id: 'asc' as const }, limit: pageSize, exclude: ['body' as const] }
      const rows = await db.em().find(RepositoryDeliveryEntity, { ...due(), repositoryId }, page)
      const last = rows.at(-1)
      if (!last) return
      await deps.repositories.delivered(db.em(), repositoryId, last.receivedAt)
      more = false
      for (const row of rows) {
        await answers.turn(stopping)
        if (stopping.aborted) return
        if (await workOne(deps, row as RepositoryDeliveryRow, stopping)) more = true
      }
      await forgetOld(db.em(), repositoryId)
    }
  }

  return lanesLoop({ name: 'deliveries', atOnce, log, scan })
}

async function workOne(deps: WorkOffDeps, row: RepositoryDeliveryRow, stopping: AbortSignal): Promise<boolean> {
  const { db, log, clock } = deps
  const claim = await claimDelivery(deps, row, stopping)
  if (!claim) return false
  try {
    const whole = await db.em().findOne(RepositoryDeliveryEntity, { id: row.id })
    const repository = whole && (await deps.repositories.find(db.em(), row.repositoryId))
    // Its repository is not connected any more.
    if (!whole || !repository) {
      await db.em().nativeDelete(RepositoryDeliveryEntity, { id: row.id })
      return true
    }
    const outcome = await outcomeOf(deps, { row: whole, repository, signal: claim.signal })
    await close(deps, row, outcome)
    await lookAgain(deps, { row, repository, outcome })
    return true
  } catch (error) {
    if (claim.signal.aborted) {
      if (stopping.aborted) await giveBack(deps, row, claim.nextAt())
      return false
    }
    if (error instanceof Overtaken) return false
    const detail = error instanceof Error ? error.message : String(error)
    const attempts = row.attempts + 1
    const isExpected = error instanceof GitError || error instanceof ForgeError
    log.warn(
      { ...(isExpected ? { problem: detail } : { err: error }), deliveryId: row.id },
      'a delivery is not worked off yet',
    )
    if (attempts >= mostAttempts) {
      const why = say('delivery_tired', { count: attempts, detail: isExpected ? detail : 'an error in AnsFlow' })
      const repository = await deps.repositories.find(db.em(), row.repositoryId)
      const told = repository && tellGivenUp(deps, row.id, repository, why)
      await told?.catch((err: unknown) => log.warn({ err, deliveryId: row.id }, 'what was given up could not be told'))
      const decisions = await leftDecisions(deps, row.id, why)
      await close(deps, row, { result: RepositoryDeliveryResult.FAILED, why, decisions })
      return true
    }
    const waitMs = Math.min(1000 * 2 ** attempts, 600_000)
    const said = say('delivery_unread', { detail: isExpected ? detail : 'an error in AnsFlow' })
    await db
      .em()
      .nativeUpdate(
        RepositoryDeliveryEntity,
        { id: row.id, result: RepositoryDeliveryResult.TAKEN, nextAt: claim.nextAt() },
        { attempts, nextAt: new Date(clock.now().getTime() + waitMs), ...toColumns(said) },
      )
    return false
  } finally {
    claim.release()
  }
}

/** Somebody may have approved it while it was being put aside. */
async function lookAgain(
  deps: WorkOffDeps,
  { row, repository, outcome }: { row: RepositoryDeliveryRow; repository: RepositoryRow; outcome: Outcome },
): Promise<void> {
  const { db, clock, pullRequests } = deps
  const about = outcome.waiting ?? outcome.untrusted
  if (!about) return
  const { fork } = await pullRequests.trustOf(repository, about)
  if (fork !== 'trusted') return
  if (outcome.untrusted) return repeatTrusted(deps, row)
  const waits = { id: row.id, result: RepositoryDeliveryResult.WAITS }
  const again = { result: RepositoryDeliveryResult.TAKEN, nextAt: clock.now() }
  await db.em().nativeUpdate(RepositoryDeliveryEntity, waits, again)
}

/** Whoever has approved it meanwhile has not found it, or has and has begun the same. */
async function repeatTrusted({ db, clock, bus, repositories }: WorkOffDeps, { id }: RepositoryDeliveryRow) {
  const row = await db.em().findOne(RepositoryDeliveryEntity, { id })
  if (!row || (await db.em().count(RepositoryDeliveryEntity, { repeats: id })) > 0) return
  const repository = await repositories.load(db.em(), row.repositoryId)
  const again = await repeatOf(row, repository, clock.now())
  await db.em().insert(RepositoryDeliveryEntity, again)
  bus.publish('delivery.due', {})
}

/** Whoever comes next need not wait for the lease to end. */
async function giveBack({ db, clock, log }: WorkOffDeps, { id }: RepositoryDeliveryRow, nextAt: Date): Promise<void> {
  const held = { id, nextAt, result: RepositoryDeliveryResult.TAKEN }
  await db
    .em()
    .nativeUpdate(RepositoryDeliveryEntity, held, { nextAt: clock.now() })
    .catch((error: unknown) => log.warn({ err: error, deliveryId: id }, 'a delivery could not be given back'))
}

async function close(deps: WorkOffDeps, { id, repositoryId, projectId }: RepositoryDeliveryRow, outcome: Outcome) {
  const { result, ref = '', commit = '', sender = '', decisions = [], why, untrusted } = outcome
  await deps.db.em().nativeUpdate(
    RepositoryDeliveryEntity,
    { id, result: RepositoryDeliveryResult.TAKEN },
    {
      result,
      nextAt: null,
      ref: ref.slice(0, 255),
      commit: commit.slice(0, 64),
      sender: sender.slice(0, 255),
      untrusted: untrusted !== undefined,
      decisions: jsonOf(decisions),
      ...toColumns(why),
    },
  )
  deps.bus.publish('repository.changed', { repositoryId, projectId })
}

function toColumns(said: Said | undefined): Pick<RepositoryDeliveryRow, 'problem' | 'said'> {
  return { problem: said ? saidText(said).slice(0, 512) : '', said: said ? JSON.stringify(said) : null }
}
