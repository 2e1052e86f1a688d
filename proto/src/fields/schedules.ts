// When a pipeline starts by itself: cron expressions in the file, one value in the document.
import { CatchUp, type Schedule, ScheduleSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, toJson } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { cronProblem, timezoneProblem } from '../cron.ts'
import { isName, limits } from '../limits.ts'
import { type KeyTable, scalar } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import type { Tree, TreeMap } from '../pipeline-yaml/tree-value.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { givenTree, messagesOf, readEach, readGiven, valueAt } from './entries.ts'
import { compare, type DocumentValue, type Kind } from './kind.ts'
import { choice } from './kinds.ts'

export const catchUp = choice(CatchUp, { once: CatchUp.ONCE, none: CatchUp.NONE })

export const scheduleKeys: KeyTable = {
  cron: {
    description: 'Minute, hour, day of month, month, day of week, such as "0 3 * * 1-5"; or @hourly, @daily, @weekly …',
    schema: { type: 'string' },
  },
  timezone: { description: 'An IANA name, such as Asia/Shanghai; UTC when absent.', schema: { type: 'string' } },
  name: { description: 'Shown to people; unique. The cron expression when absent.', schema: scalar },
  inputs: { description: 'Of the runs it starts, by name.', schema: { type: ['object', 'null'] } },
  catchUp: {
    description: 'What becomes of moments at which no controller ran: once (one run for all, the default) or none.',
    schema: catchUp.schema,
  },
}

const one = { anyOf: [{ type: 'string' }, { $ref: '#/$defs/schedule' }] }

/** What it is called among those of its pipeline. */
export function scheduleName({ name, cron }: Pick<Schedule, 'name' | 'cron'>): string {
  return name || cron
}

export const schedules: Kind<Schedule[]> = {
  name: 'schedules',
  schema: { anyOf: [...one.anyOf, { type: 'array', items: one, maxItems: limits.schedules }] },
  absent: [],
  read: readSchedules,
  write: (value) => (value.length > 0 ? value.map(scheduleTree) : undefined),
  canonical: (value) =>
    value
      .map((each) => ({
        name: scheduleName(each),
        cron: each.cron,
        timezone: each.timezone || 'UTC',
        inputs: each.inputs ?? {},
        catchUp: catchUp.canonical(each.catchUp),
      }))
      .sort((a, b) => compare(a.name, b.name)),
  suffixes: [''],
  toDocument: (value): Record<string, DocumentValue> =>
    value.length > 0 ? { '': value.map((each) => toJson(ScheduleSchema, each) as DocumentValue) } : {},
  fromDocument(document, key) {
    const value = document.get(key)
    return Array.isArray(value) ? value.flatMap((each) => messagesOf(ScheduleSchema, each)) : []
  },
  expressions: 'none',
  check(value, report) {
    if (value.length > limits.schedules)
      report({ code: 'limit', said: say('many_schedules', { most: limits.schedules }) })
    const seen = new Set<string>()
    for (const [index, { name, cron, timezone }] of value.entries()) {
      const called = scheduleName({ name, cron })
      const field = `.${index}`
      const wrong = cronProblem(cron)
      if (wrong) report({ field: `${field}.cron`, said: wrong })
      const zone = timezoneProblem(timezone)
      if (zone) report({ field: `${field}.timezone`, said: zone })
      if (name !== '' && (!isName(name) || name.length > limits.scheduleName)) {
        report({ field: `${field}.name`, said: say('schedule_name', { most: limits.scheduleName }) })
      }
      if (seen.has(called)) report({ field, said: say('duplicate_schedule', { name: shortText(called) }) })
      seen.add(called)
    }
  },
}

function scheduleTree({ name, cron, timezone, inputs, catchUp: missed }: Schedule): Tree {
  const tree: TreeMap = new Map()
  if (name !== '') tree.set('name', name)
  tree.set('cron', cron)
  if (timezone !== '') tree.set('timezone', timezone)
  const given = givenTree(inputs)
  if (given !== undefined) tree.set('inputs', given)
  const word = catchUp.write(missed)
  if (word !== undefined) tree.set('catchUp', word)
  return tree
}

function readSchedules(reader: Reader, node: Node | null, _key: string, place: Place): Schedule[] {
  return readEach(reader, node, place, readSchedule)
}

function readSchedule(reader: Reader, node: Node | null, place: Place): Schedule | undefined {
  if (isScalar(node) && node.value !== null) return create(ScheduleSchema, { cron: scalarText(node) })
  const before = reader.problems.length
  const entries = reader.known(node, { keys: scheduleKeys, noun: 'schedule' }, place)
  const at = valueAt(reader, entries, place)
  const cron = reader.text(...at('cron'))
  if (!entries.has('cron') || cron === '') {
    if (reader.problems.length === before) reader.report(say('schedule_cron', { example: '"0 3 * * *"' }), node, place)
    return undefined
  }
  if (cron === undefined) return undefined
  const schedule = create(ScheduleSchema, { cron })
  if (entries.has('timezone')) schedule.timezone = reader.text(...at('timezone')) ?? ''
  if (entries.has('name')) schedule.name = reader.text(...at('name')) ?? ''
  if (entries.has('catchUp')) schedule.catchUp = catchUp.read(reader, ...at('catchUp')) ?? 0
  const inputs = readGiven(reader, ...at('inputs'))
  if (inputs !== undefined) schedule.inputs = inputs
  return schedule
}
