// Writes what runs ask for and give back in their own transactions: whoever ends hands on in the commit that ends it. Sees to it there, too,
// that no more jobs of a project go to agents than its limit, whichever controllers send them. Whoever has got their
// turn, or waits for another than before, is told by an event after the commit; their row says so until their run has stored that it
// was told, so that it is told again when that is lost.
import type { LockChange } from '@ansflow/engine/locks'
import type { JobLimits } from '@ansflow/engine/pick-job'
import type { RunEvent } from '@ansflow/engine/state'
import { isTerminalJob } from '@ansflow/proto/status'
import type { Kysely } from 'kysely'
import type { Db, Transaction } from '../../platform/db.ts'
import { ClaimRefused, jobsWithAgents, type RunChange, type RunParticipant } from '../runs/index.ts'
import { LockQueue } from './lock-queue.ts'
import { type ClaimRow, type Hindrance, keyOf, type LockTables, type WantRow } from './lock-tables.ts'

export interface Notice {
  runId: string
  event: RunEvent
}

export interface LockDeps {
  db: Db
  /** How many jobs of a project agents may have at once. */
  limits(): JobLimits
  tell(notices: readonly Notice[]): void
  /** Jobs of projects with a limit have ended. */
  freed(organizationId: string): void
}

export function lockParticipant({ db, limits, tell, freed }: LockDeps): RunParticipant {
  /** Of the commit under way: there is one at a time. */
  let notices: Notice[] = []
  let freedOf = new Set<string>()
  const endsJobs = ({ jobs }: RunChange) => [...jobs].some(({ status }) => isTerminalJob(status))
  return {
    name: 'locks',
    wants(change) {
      if (change.locks.length > 0) return true
      return limits().has(change.run.meta.projectId) && (change.claims.length > 0 || endsJobs(change))
    },
    async write(to, changes) {
      notices = []
      freedOf = new Set()
      const byProject = Map.groupBy(changes, ({ run }) => run.meta.projectId)
      // In order of their ids, so that two controllers never wait for each other.
      for (const projectId of [...byProject.keys()].sort()) {
        const ofIt = byProject.get(projectId)!
        const limit = limits().get(projectId)
        const claims = limit !== undefined && ofIt.some(sendsJobs)
        const asks = ofIt.some(({ locks }) => locks.length > 0)
        // Taken first, so that of two controllers one counts what the other has sent.
        const last = asks || claims ? await lockLine(to.kysely(), db.dialect, projectId) : 0
        if (claims) await checkLimit(to, projectId, ofIt.filter(sendsJobs), limit)
        if (asks) notices.push(...(await writeProject(to, projectId, ofIt, last)))
        for (const change of ofIt) {
          if (limit !== undefined && endsJobs(change)) freedOf.add(change.belongs.organizationId)
        }
      }
    },
    committed() {
      if (notices.length > 0) tell(notices)
      for (const organizationId of freedOf) freed(organizationId)
      notices = []
      freedOf = new Set()
    },
  }
}

function sendsJobs({ claims }: RunChange): boolean {
  return claims.length > 0
}

/** Jobs of strangers take no room from those that are trusted. */
async function checkLimit(to: Transaction, projectId: string, sending: RunChange[], limit: number): Promise<void> {
  const { organizationId } = sending[0]!.belongs
  for (const untrusted of new Set(sending.map(({ run }) => run.meta.origin.untrusted))) {
    if ((await jobsWithAgents(to.kysely(), { organizationId, projectId, untrusted })) > limit) {
      throw new ClaimRefused(`agents have ${limit} jobs of project ${projectId}`)
    }
  }
}

/** `before`: the last place that was given. */
async function writeProject(
  to: Transaction,
  projectId: string,
  changes: RunChange[],
  before: number,
): Promise<Notice[]> {
  const tables = to.kysely<LockTables>()
  let last = before
  const queue = new LockQueue(tables, projectId)
  for (const change of changes) {
    const { runId } = change.run.meta
    const returned: string[] = []
    for (const lock of change.locks) {
      if (lock.type === 'heard') await heard(tables, runId, lock)
      else if (lock.type === 'returned') returned.push(lock.of)
      else if (isPlain(change, lock)) join(queue, change, lock, ++last)
      else await ask(queue, change, lock, ++last)
    }
    // Nobody asks again under a name that was given back.
    if (returned.length > 0) await queue.leave(runId, returned)
  }
  if (last > before) {
    await tables.updateTable('lock_line').set({ last_place: last }).where('project_id', '=', projectId).execute()
  }
  await queue.settle()
  return [...queue.changed.values()].map(noticeOf)
}

/** Answers the last place that was given. */
async function lockLine(tables: Kysely<LockTables>, dialect: Db['dialect'], projectId: string): Promise<number> {
  const insert = tables.insertInto('lock_line').values({ project_id: projectId, last_place: 0 })
  await (dialect === 'sqlite'
    ? insert.onConflict((conflict) => conflict.doNothing())
    : insert.onDuplicateKeyUpdate(({ ref }) => ({ last_place: ref('lock_line.last_place') }))
  ).execute()
  const row = tables.selectFrom('lock_line').select('last_place').where('project_id', '=', projectId)
  return (await row.executeTakeFirstOrThrow()).last_place
}

type Asked = Extract<LockChange, { type: 'asked' }>

/** Whether nobody else is concerned by it. */
function isPlain({ run }: RunChange, { of, supersedes }: Asked): boolean {
  return supersedes === 'none' && (of !== '' || run.meta.origin.cause.case !== 'run')
}

function join(
  queue: LockQueue,
  { run: { meta, steps } }: RunChange,
  { of, wants }: Asked,
  place: number,
): { rows: WantRow[]; stepName: string } {
  const { projectId, runId, number, pipelineName } = meta
  const rows = wants.map(({ kind, name, most }) => {
    return { project_id: projectId, lock_key: keyOf({ kind, name }), place, kind, name, most }
  })
  const step = steps.get(of.slice(0, of.lastIndexOf('#')))
  const stepName = Array.from(step?.name ?? '')
    .slice(0, 255)
    .join('')
  const claim: ClaimRow = {
    ...{ run_id: runId, holder: of, project_id: projectId, place },
    ...{ run_number: number, pipeline_name: pipelineName, step_name: stepName },
    ...{ given: 0, ahead: null, superseded: 0, changes: 0, untold: 0 },
  }
  queue.join(claim, rows)
  return { rows, stepName }
}

async function ask(queue: LockQueue, change: RunChange, asked: Asked, place: number): Promise<void> {
  const { of, wants, supersedes } = asked
  const { meta } = change.run
  const { runId, number, pipelineName } = meta
  // Who has their turn decides who is taken the place of.
  await queue.settle()
  const { rows, stepName } = join(queue, change, asked, place)
  await queue.write()
  const { cause } = meta.origin
  const circle = of === '' && cause.case === 'run' && (await queue.refuse(place, rows, cause.value.awaitedBy))
  if (circle || supersedes === 'none') return queue.settle()
  for (const [index, want] of wants.entries()) {
    const ahead = { runId, number, pipeline: pipelineName, step: stepName, waits: true }
    const by: Hindrance = { want, ahead }
    await queue.supersede(rows[index]!, supersedes, by)
  }
  await queue.settle()
}

async function heard(
  tables: Kysely<LockTables>,
  runId: string,
  { of, change }: Extract<LockChange, { type: 'heard' }>,
): Promise<void> {
  await tables
    .updateTable('lock_claim')
    .set({ untold: 0 })
    .where('run_id', '=', runId)
    .where('holder', '=', of)
    .where('changes', '=', change)
    .execute()
}

/** What the run of a claim is to be told. */
export function noticeOf({ run_id, holder, superseded, ahead, changes }: ClaimRow): Notice {
  const told = { of: holder, change: changes }
  const hindered = ahead === null ? undefined : (JSON.parse(ahead) as Hindrance)
  if (!hindered) return { runId: run_id, event: { type: 'lockGiven', ...told } }
  const { want, ahead: by, circle } = hindered
  if (circle) return { runId: run_id, event: { type: 'lockRefused', ...told, want, by } }
  if (superseded) return { runId: run_id, event: { type: 'superseded', ...told, want, by } }
  return { runId: run_id, event: { type: 'lockWaits', ...told, want, ahead: by } }
}
