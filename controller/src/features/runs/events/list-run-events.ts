// What people did with a run and what happened to it, for its page: a bounded part of its events a call, and on from there.
import { invalidField, notFound } from '@ansflow/proto/errors'
import {
  type ListRunEventsRequest,
  type RunEvent,
  RunEventKind,
  RunEventSchema,
  type WatchRunResponse,
} from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { Pieces } from '@ansflow/proto/pieces'
import { starterOf } from '@ansflow/proto/triggers/run-origin'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Kysely } from 'kysely'
import type { Db } from '../../../platform/db.ts'
import { pageSize, readCursor, writeCursor } from '../../../platform/page.ts'
import { inTurns } from '../../../platform/turns.ts'
import type { CallContext } from '../../../transport/call.ts'
import { parseOrigin } from '../run-rows.ts'
import type { RunTables } from '../run-tables.ts'
import { runEventsAfter } from './run-events.ts'
import { Story, type StoryPlace, storyBegin } from './told-story.ts'

/** Read by one call: of a large run the most of them tell nothing. */
const mostRead = 1000
const mostSteps = 5000
const atOnce = 50
/** Runs that repeat it. */
const mostRepeats = 50

export async function listRunEvents(
  db: Db,
  { em }: CallContext,
  { runId, pageSize: asked, pageToken, withoutWaits }: ListRunEventsRequest,
): Promise<{ events: RunEvent[]; nextPageToken: string; resumeToken: string }> {
  const size = pageSize(asked, 100)
  const from = readPlace(pageToken)
  const story = new Story(from, !withoutWaits)
  const events = from.seq === 0 ? [await started(db, runId)] : []
  let more = true
  let read = 0
  let steps = 0
  while (more && read < mostRead && steps < mostSteps && story.told.size < size) {
    const part = await runEventsAfter(em, runId, story.place.seq, atOnce)
    steps += await inTurns(readPart(story, part, size))
    read += part.length
    more = part.length === atOnce || part.at(-1)?.seq !== story.place.seq
    if (part.length === 0) more = false
  }
  story.rest()
  events.push(...story.told.values())
  if (!more) events.push(...(await repeats(db, runId)))
  const resumeToken = writePlace(story.place)
  return { events, nextPageToken: more ? resumeToken : '', resumeToken }
}

/** Answers of how many steps it told. What it leaves is read again. */
function* readPart(story: Story, part: readonly WatchRunResponse[], size: number): Pieces<number> {
  let steps = 0
  for (const event of part) {
    if (story.told.size >= size) break
    story.read(event)
    steps += event.steps.length
    yield
  }
  return steps
}

async function started(db: Db, runId: string): Promise<RunEvent> {
  const tables = db.kysely<RunTables>()
  const run = await rowOf(tables, runId)
  const repeated = run.rerun_of === '' ? undefined : await rowOf(tables, run.rerun_of).catch(() => undefined)
  return create(RunEventSchema, {
    id: 'started',
    kind: RunEventKind.STARTED,
    at: timestampFromDate(db.fromColumn(run.created_at)),
    by: starterOf(parseOrigin(run.origin)).name,
    otherRunId: run.rerun_of,
    ...(repeated && { otherRunNumber: repeated.number }),
  })
}

/** Later runs of its pipeline. */
async function repeats(db: Db, runId: string): Promise<RunEvent[]> {
  const tables = db.kysely<RunTables>()
  const { pipeline_id, number } = await rowOf(tables, runId)
  const rows = await tables
    .selectFrom('run')
    .select(['id', 'number', 'origin', 'created_at'])
    .where('pipeline_id', '=', pipeline_id)
    .where('number', '>', number)
    .where('rerun_of', '=', runId)
    .orderBy('number')
    .limit(mostRepeats)
    .execute()
  return rows.map((row) =>
    create(RunEventSchema, {
      id: `rerun ${row.id}`,
      kind: RunEventKind.RERUN,
      at: timestampFromDate(db.fromColumn(row.created_at)),
      by: starterOf(parseOrigin(row.origin)).name,
      otherRunId: row.id,
      otherRunNumber: row.number,
    }),
  )
}

async function rowOf(tables: Kysely<RunTables>, runId: string) {
  const row = await tables
    .selectFrom('run')
    .select(['id', 'number', 'pipeline_id', 'rerun_of', 'origin', 'created_at'])
    .where('id', '=', runId)
    .executeTakeFirst()
  if (!row) throw notFound('run', runId)
  return row
}

function writePlace({ seq, canceled, ended, open }: StoryPlace): string {
  return writeCursor([String(seq), canceled ? '1' : '', ended ? '1' : '', JSON.stringify(open)])
}

function readPlace(token: string): StoryPlace {
  const [seq, canceled, ended, open] = readCursor(token, 4) ?? []
  if (seq === undefined) return storyBegin
  try {
    const known = JSON.parse(open!) as StoryPlace['open']
    const isWhole = Array.isArray(known) && known.length <= mostSteps && known.every(isOpen)
    if (/^\d{1,9}$/.test(seq) && isWhole) return { seq: Number(seq), canceled: !!canceled, ended: !!ended, open: known }
  } catch {
    // Falls through to the answer for any wrong token.
  }
  throw invalidField('page_token', 'is not one that this method answered')
}

function isOpen(each: unknown): boolean {
  if (!Array.isArray(each) || each.length !== 3) return false
  const [key, code, sinceMs] = each as unknown[]
  return typeof key === 'string' && typeof code === 'string' && Number.isSafeInteger(sinceMs)
}
