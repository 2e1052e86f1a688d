// What this browser keeps of live documents for working without a network: how it is named, what of it nobody else has yet, and
// forgetting all of it when the person signs out.

const prefix = 'ansflow:'

export function keptName(userId: string, pipelineId: string): string {
  return `${prefix}${window.location.origin}:${userId}:${pipelineId}`
}

const counters = new Set<() => number>()

/** `count` answers how many changes are only here. The answer ends it. */
export function countUnsent(count: () => number): () => void {
  counters.add(count)
  return () => counters.delete(count)
}

/** Changes in open documents that the controller does not have. */
export function unsentHere(): number {
  let sum = 0
  for (const count of counters) sum += count()
  return sum
}

/** Ends when all is gone; what a page still has open goes when it closes. */
export async function forgetKept(): Promise<void> {
  const there = await indexedDB.databases()
  const names = there.flatMap(({ name }) => (name?.startsWith(prefix) ? [name] : []))
  await Promise.all(names.map(remove))
}

/** Ends when it is gone; what has it open is to be closed before. */
export function forgetOne(userId: string, pipelineId: string): Promise<void> {
  return remove(keptName(userId, pipelineId))
}

function remove(name: string): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => resolve()
  })
}
