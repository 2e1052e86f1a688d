// Runs in a worker thread: holds open documents, tries untrusted updates on them and says whether the room may take them, and
// answers what they hold. When an update makes it run too long or too large, only this thread dies.
import { parentPort } from 'node:worker_threads'
import { findUnstorable } from '@ansflow/proto/characters'
import { limits } from '@ansflow/proto/limits'
import { countSteps, docRoots, docSchema, maxSteps } from '@ansflow/proto/pipeline-doc/shape'
import * as Y from 'yjs'
import { unpackUpdates } from './packed-updates.ts'
import { touchedSteps } from './touched-steps.ts'
import { type Change, type DocumentAnswer, type DocumentTask, type Measured, tooSlow } from './verdict.ts'

const replicaLimit = 50
/** Bytes of state and updates of all documents here; those used longest ago leave. */
const memoryLimit = 24 * 1024 * 1024
/** Of this thread's own time: everybody's browser will need as long. The larger a document is, the longer all of it takes. */
const cpuLimitMs = ({ size }: Replica) => 40 + (40 * size) / (1024 * 1024)
const newClientsLimit = 100

interface Replica {
  doc: Y.Doc
  /** Bytes of state and updates; more than the document really has. */
  size: number
  news: Change['news']
}

/** Least recently used first. */
const replicas = new Map<string, Replica>()
const known: ReadonlySet<string> = new Set(docRoots)

function perform(task: DocumentTask): DocumentAnswer {
  if (task.kind === 'merge') return { kind: 'bytes', bytes: Y.mergeUpdatesV2([...unpackUpdates(task.updates)]) }
  const { room } = task
  if (task.kind === 'forget') {
    forget(room)
    return { kind: 'done' }
  }
  if (task.kind === 'load') return changed(load(room, task.updates))
  const replica = replicas.get(room)
  if (!replica) return { kind: 'unknownRoom' }
  replicas.delete(room)
  replicas.set(room, replica)
  const { doc } = replica
  if (task.kind === 'read') {
    const bytes = task.vector ? Y.encodeStateAsUpdate(doc, task.vector) : Y.encodeStateAsUpdateV2(doc)
    if (!task.vector) replica.size = bytes.length
    return { kind: 'bytes', bytes }
  }
  replica.news = undefined
  if (task.kind === 'apply') {
    replica.size += task.updates.length
    applyAll(doc, task.updates)
    return changed(replica)
  }
  replica.size += task.update.length
  const started = cpuMs()
  const refusal = check(replica, task.update)
  const answer = cpuMs() - started > cpuLimitMs(replica) ? tooSlow : (refusal ?? changed(replica))
  // What was refused is in the replica now: it starts anew from the room's updates.
  if (answer.kind !== 'changed') forget(room)
  return answer
}

function forget(room: string): void {
  replicas.get(room)?.doc.destroy()
  replicas.delete(room)
}

function load(room: string, updates: Uint8Array): Replica {
  forget(room)
  const doc = new Y.Doc()
  applyAll(doc, updates)
  const replica: Replica = { doc, size: updates.length, news: undefined }
  // Not before it is loaded: all of it would be written down again.
  doc.on('afterTransaction', (transaction: Y.Transaction) => {
    if (transaction.changed.size > 0) newsOf(replica).touched.push(...touchedSteps(transaction))
  })
  doc.on('update', (update: Uint8Array) => {
    newsOf(replica).update = update
  })
  doc.on('updateV2', (update: Uint8Array) => {
    newsOf(replica).stored = update
  })
  replicas.set(room, replica)
  let total = 0
  for (const { size } of replicas.values()) total += size
  for (const [oldest, { size }] of replicas) {
    if (oldest === room || (replicas.size <= replicaLimit && total <= memoryLimit)) break
    total -= size
    forget(oldest)
  }
  return replica
}

function newsOf(replica: Replica): NonNullable<Change['news']> {
  replica.news ??= { update: new Uint8Array(), stored: new Uint8Array(), touched: [] }
  return replica.news
}

/** In one transaction, so in one change. */
function applyAll(doc: Y.Doc, updates: Uint8Array): void {
  doc.transact(() => {
    for (const update of unpackUpdates(updates)) Y.applyUpdateV2(doc, update)
  })
}

function changed({ doc, news }: Replica): DocumentAnswer {
  return { kind: 'changed', change: { news, vector: Y.encodeStateVector(doc) } }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

type Refused = Exclude<DocumentAnswer, { kind: 'changed' }>

/** Undefined: it is in the document now, and may be. */
function check(replica: Replica, update: Uint8Array): Refused | undefined {
  const { doc } = replica
  const before = { steps: countSteps(doc), clients: doc.store.clients.size }
  let unstorable: string | undefined
  const look = (transaction: Y.Transaction) => {
    unstorable ??= unstorableIn(transaction)
  }
  doc.on('afterTransaction', look)
  try {
    Y.applyUpdate(doc, update)
  } catch {
    return { kind: 'refused', code: 'malformed', message: 'The change could not be read.' }
  } finally {
    doc.off('afterTransaction', look)
  }
  if (unstorable !== undefined) {
    return { kind: 'refused', code: 'characters', message: `The change holds ${unstorable}, which cannot be stored.` }
  }
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) return { kind: 'incomplete' }
  for (const root of doc.share.keys()) {
    if (!known.has(root)) {
      return {
        kind: 'refused',
        code: 'malformed',
        message: 'The change writes where a pipeline document has no place.',
      }
    }
  }
  if (doc.getMap('meta').get('schema') !== docSchema) {
    const message = 'The document is of another version than this server. Reload the page.'
    return { kind: 'refused', code: 'schema', message }
  }
  const steps = countSteps(doc)
  if (steps > maxSteps && steps > before.steps) {
    return { kind: 'refused', code: 'too_many_steps', message: `A pipeline can have ${maxSteps} steps on the canvas.` }
  }
  if (doc.store.clients.size - before.clients > newClientsLimit) {
    return { kind: 'refused', code: 'malformed', message: 'The change claims to come from too many editors at once.' }
  }
  if (replica.size > limits.documentBytes) {
    replica.size = Y.encodeStateAsUpdateV2(doc).length
    if (replica.size > limits.documentBytes) {
      return { kind: 'refused', code: 'too_large', message: 'The document has become too large.' }
    }
  }
  return undefined
}

/** What no database can store of that which the transaction brought: in texts, values and names. */
function unstorableIn({ doc, beforeState, afterState }: Y.Transaction): string | undefined {
  for (const client of afterState.keys()) {
    const known = beforeState.get(client) ?? 0
    const structs = doc.store.clients.get(client) ?? []
    for (let i = structs.length - 1; i >= 0; i -= 1) {
      const struct = structs[i]
      if (!struct || struct.id.clock < known) break
      const found = struct instanceof Y.Item ? findUnstorable(textsOf(struct)) : undefined
      if (found) return found.name
    }
  }
  return undefined
}

function textsOf({ parentSub, content }: Y.Item): unknown[] {
  if (content instanceof Y.ContentString) return [parentSub, content.str]
  if (content instanceof Y.ContentFormat) return [parentSub, content.key, content.value]
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) return [parentSub, ...content.arr]
  if (content instanceof Y.ContentEmbed) return [parentSub, content.embed]
  return [parentSub]
}

parentPort?.on('message', (task: DocumentTask) => {
  const began = cpuMs()
  let answer: DocumentAnswer
  try {
    answer = perform(task)
  } catch {
    answer = { kind: 'refused', code: 'malformed', message: 'The change could not be read.' }
  }
  parentPort?.postMessage({ answer, usedMs: cpuMs() - began } satisfies Measured)
})
parentPort?.postMessage({ answer: { kind: 'ready' }, usedMs: 0 } satisfies Measured)
