// What fake forges remember, changed as their interfaces change it.
import type { JsonObject } from '@bufbuild/protobuf'
import type { FakeHook, FakeStatus, Remembered } from './fake-forge.ts'

let last = 100

export function newId(): string {
  last++
  return String(last)
}

/** All that there is in fake forges. */
export const repositoryName = 'acme/shop'
export const pull = { number: 7, title: 'Faster checkout', head: 'ab12'.repeat(10), base: '1'.repeat(40) }

/** What people may do in acme/shop; mallory is known, and may read as everybody may. */
export const permissions: Record<string, string> = { ann: 'write', root: 'admin', mallory: 'read' }

export function hookOf({ hooks }: Remembered, repository: string, id: string): FakeHook | undefined {
  return hooks.find((each) => each.repository === repository && each.id === id)
}

/** `of`: without it a new one is made. */
export function putHook(remembered: Remembered, hook: Omit<FakeHook, 'id'>, of?: FakeHook): FakeHook {
  const events = [...hook.events].sort()
  if (of) return Object.assign(of, { ...hook, events })
  const made = { ...hook, events, id: newId() }
  remembered.hooks.push(made)
  return made
}

export function dropHook(remembered: Remembered, repository: string, id: string): boolean {
  const hook = hookOf(remembered, repository, id)
  if (hook) remembered.hooks.splice(remembered.hooks.indexOf(hook), 1)
  return hook !== undefined
}

/** One of the same name is replaced. */
export function putStatus({ statuses }: Remembered, status: FakeStatus): void {
  const at = statuses.findIndex(
    (each) => each.name === status.name && each.commit === status.commit && each.repository === status.repository,
  )
  if (at >= 0) statuses.splice(at, 1)
  statuses.push(status)
}

/** The fields that are true. */
export function switchedOn(body: JsonObject): string[] {
  return Object.keys(body).filter((key) => key.endsWith('_events') && body[key] === true)
}
