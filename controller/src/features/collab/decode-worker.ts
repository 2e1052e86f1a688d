// Runs in a worker thread: applies untrusted updates to replicas of open documents, and says whether the room may take them.
// When an update makes it run too long or too large, only this thread dies.
import { parentPort } from 'node:worker_threads'
import { docRoots, docSchema, isDeleted, maxSteps } from '@ansflow/proto/pipeline-doc-shape'
import * as Y from 'yjs'
import { type CheckAnswer, type CheckTask, tooSlow, type Verdict } from './verdict.ts'

const replicaLimit = 50
/** Of this thread's own time: the room will need as long, on the thread that serves everyone. */
const cpuLimitMs = 40
const newClientsLimit = 100
const sizeLimit = 8 * 1024 * 1024

interface Replica {
  doc: Y.Doc
  /** Bytes of state and updates; more than the document really has. */
  size: number
}

/** Least recently used first. */
const replicas = new Map<string, Replica>()
const known: ReadonlySet<string> = new Set(docRoots)

function perform(task: CheckTask): CheckAnswer {
  const { room } = task
  if (task.kind === 'forget') {
    replicas.get(room)?.doc.destroy()
    replicas.delete(room)
    return { kind: 'done' }
  }
  if (task.kind === 'load') {
    replicas.get(room)?.doc.destroy()
    const doc = new Y.Doc()
    Y.applyUpdateV2(doc, task.state)
    replicas.set(room, { doc, size: task.state.length })
    for (const oldest of replicas.keys()) {
      if (replicas.size <= replicaLimit) break
      replicas.get(oldest)?.doc.destroy()
      replicas.delete(oldest)
    }
    return { kind: 'done' }
  }
  const replica = replicas.get(room)
  if (!replica) return task.kind === 'check' ? { kind: 'unknownRoom' } : { kind: 'done' }
  replicas.delete(room)
  replicas.set(room, replica)
  replica.size += task.update.length
  if (task.kind === 'follow') {
    Y.applyUpdate(replica.doc, task.update)
    return { kind: 'done' }
  }
  const started = cpuMs()
  const verdict = withinTime(check(replica, task.update), started)
  // What was refused is in the replica now: it starts anew from the room's state.
  if (verdict.kind !== 'fine') {
    replica.doc.destroy()
    replicas.delete(room)
  }
  return verdict
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function withinTime(verdict: Verdict, started: number): Verdict {
  return cpuMs() - started > cpuLimitMs ? tooSlow : verdict
}

function check(replica: Replica, update: Uint8Array): Verdict {
  const { doc } = replica
  const before = { steps: countSteps(doc), clients: doc.store.clients.size }
  try {
    Y.applyUpdate(doc, update)
  } catch {
    return { kind: 'refused', code: 'malformed', message: 'The change could not be read.' }
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
  if (replica.size > sizeLimit) {
    replica.size = Y.encodeStateAsUpdateV2(doc).length
    if (replica.size > sizeLimit) {
      return { kind: 'refused', code: 'too_large', message: 'The document has become too large.' }
    }
  }
  return { kind: 'fine' }
}

function countSteps(doc: Y.Doc): number {
  let count = 0
  for (const step of doc.getMap('nodes').values()) if (!(step instanceof Y.Map) || !isDeleted(step)) count += 1
  return count
}

parentPort?.on('message', (task: CheckTask) => {
  let answer: CheckAnswer
  try {
    answer = perform(task)
  } catch {
    answer = { kind: 'refused', code: 'malformed', message: 'The change could not be read.' }
  }
  parentPort?.postMessage(answer)
})
parentPort?.postMessage({ kind: 'ready' } satisfies CheckAnswer)
