// Whatever is sent is answered with events: random JSON, and real deliveries with anything in the place of any field.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Forge } from '../forge.ts'
import type { ForgeEvent } from '../forge-event.ts'
import { forges } from '../kinds.ts'
import { handWritten } from '../test/deliveries.ts'
import { githubExamples } from '../test/github-examples.ts'
import { bitbucket } from './bitbucket/bitbucket.ts'
import { git } from './git/git.ts'
import { gitea } from './gitea/gitea.ts'
import { gitee } from './gitee/gitee.ts'
import { github } from './github/github.ts'
import { gitlab } from './gitlab/gitlab.ts'

const named: Record<string, Forge> = { github, gitlab, gitea, bitbucket, gitee, git }
const eventWords = ['push', 'pull_request', 'issue_comment', 'release', 'repo:push', 'pullrequest:created', '__proto__']

const headers = fc.record({
  'x-github-event': fc.constantFrom(...eventWords),
  'x-gitea-event': fc.constantFrom(...eventWords),
  'x-event-key': fc.constantFrom(...eventWords),
  'x-gitlab-event': fc.oneof(fc.string(), fc.constant('toString')),
})
const names = ['ref', 'before', 'after', 'repository', 'full_name', 'action', 'object_kind', 'hook_name', '__proto__']
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
    fc.constantFrom(...eventWords, 'refs/heads/x', 'a/b', '0'.repeat(40), 'a'.repeat(40), 'constructor'),
    fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 5 }) as fc.Arbitrary<JsonObject>,
    fc.array(tie('value'), { maxLength: 4 }),
  ),
})).value

test('random JSON', () => {
  fc.assert(
    fc.property(fc.constantFrom(...forges), headers, json, (forge, sent, body) => holds(forge.read(sent, body))),
    { numRuns: 600 },
  )
})

const real = [
  ...githubExamples
    .filter(({ name }) => ['push', 'pull_request', 'issue_comment', 'release', 'ping', 'create'].includes(name))
    .map(({ name, body }) => ({ forge: 'github', headers: { 'x-github-event': name }, body })),
  ...handWritten,
]
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
  fc.constantFrom<JsonValue>(
    '',
    'x'.repeat(100_000),
    '\ud800',
    -1,
    1e300,
    [],
    {},
    [[]],
    null,
    'refs/heads/--x',
    '../..',
  ),
)

test('real deliveries with something else in the place of fields', () => {
  const spots = fc.array(fc.tuple(fc.nat(), anything), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(fc.constantFrom(...real), spots, (delivery, changes) => {
      const body = copyOf(delivery.body)
      for (const [at, value] of changes) put(body, at, value)
      holds(named[delivery.forge]!.read(delivery.headers, body))
    }),
    { numRuns: 600 },
  )
})

test('every field of every delivery in turn, with something of each type in its place', () => {
  for (const delivery of real.filter((each, i) => each.forge !== 'github' || i % 12 === 0)) {
    const body = copyOf(delivery.body)
    for (const [holder, key] of placesOf(body)) {
      const before = holder[key]!
      for (const value of [null, 7, true, 'x', [], {}, ['a'], { a: 1 }]) {
        holder[key] = value
        holds(named[delivery.forge]!.read(delivery.headers, body))
      }
      holder[key] = before
    }
  }
})

/** In which nothing stands at two places at once. */
function copyOf(body: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(body)) as JsonObject
}

/** Where something stands: whose field it is, and its name. */
function placesOf(value: JsonValue, depth = 0): [holder: Record<string, JsonValue>, key: string][] {
  if (typeof value !== 'object' || value === null || depth > 5) return []
  const holder = value as Record<string, JsonValue>
  return Object.keys(holder).flatMap((key) => [
    [holder, key] as [typeof holder, string],
    ...placesOf(holder[key]!, depth + 1),
  ])
}

function put(body: JsonObject, at: number, value: JsonValue): void {
  const places = placesOf(body)
  const [holder, key] = places[at % Math.max(places.length, 1)] ?? []
  if (holder && key !== undefined) holder[key] = value
}

/** What each event says of itself holds, whatever was sent. */
function holds(events: ForgeEvent[]): void {
  expect(events.length).toBeGreaterThan(0)
  expect(events.every(isWhole)).toBe(true)
}

const isCommit = (text: string) => /^$|^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)

function isWhole(event: ForgeEvent): boolean {
  if (event.sender.length > 255 || !/^$|^[\w.-]+(\/[\w.-]+)+$/.test(event.repository)) return false
  if (event.kind === 'push') {
    const ref = event.branch ? `refs/heads/${event.branch}` : `refs/tags/${event.tag}`
    const isShort = ref.length <= 255 && event.message.length <= 4096
    return event.ref === ref && isShort && isCommit(event.before) && isCommit(event.after)
  }
  if (event.kind === 'pull_request') {
    const { head, title, labels, url, fork } = event.pullRequest
    const isShort = title.length <= 256 && labels.length <= 100
    return isCommit(head.commit) && isShort && /^https?:/i.test(url) && (head.repository !== '' || fork)
  }
  return event.kind !== 'ignored' || event.why === 'unknown' || event.field !== ''
}
