// What fake forges remember, changed as their interfaces change it.
import type { JsonObject } from '@bufbuild/protobuf'
import {
  type FakeHook,
  type FakePull,
  type FakeStatus,
  missing,
  type Remembered,
  type Route,
  text,
  WrongRequest,
} from './fake-forge.ts'

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

export function openPulls({ pulls }: Remembered): FakePull[] {
  return pulls.filter((each) => each.isOpen)
}

/** A second one between the same branches is refused, as every forge does. */
export function addPull(remembered: Remembered, pull: Omit<FakePull, 'number' | 'isOpen' | 'repository'>): FakePull {
  if (openPulls(remembered).some(({ head, base }) => head === pull.head && base === pull.base)) {
    throw new WrongRequest(`A pull request already exists for ${pull.head}.`)
  }
  const made = { ...pull, repository: repositoryName, number: 20 + remembered.pulls.length, isOpen: true }
  remembered.pulls.push(made)
  return made
}

export function changePull(remembered: Remembered, number: string, words: Partial<FakePull>): FakePull | undefined {
  const pull = remembered.pulls.find((each) => each.number === Number(number))
  return pull && Object.assign(pull, words)
}

/** Where requests are opened and changed with the words that GitHub has brought into use. */
export function pullRoutes(remembered: Remembered, shown: (pull: FakePull) => JsonObject): Route[] {
  return [
    [
      'POST',
      /^\/repos\/acme\/shop\/pulls$/,
      (_, { body }) => {
        const [head, base] = [text(body, 'head'), text(body, 'base')]
        const words = { title: text(body, 'title'), body: text(body, 'body') }
        return { status: 201, body: shown(addPull(remembered, { head, base, ...words })) }
      },
    ],
    [
      'PATCH',
      /^\/repos\/acme\/shop\/pulls\/(\d+)$/,
      ([number = ''], { body }) => {
        const words = { title: text(body, 'title'), body: text(body, 'body') }
        const changed = changePull(remembered, number, words)
        return changed ? { body: shown(changed) } : missing
      },
    ],
  ]
}
