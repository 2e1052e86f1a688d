// The git helper: the process that starts git for the controller and reads what it prints. It ends, and git with it, when the
// controller does.
import pLimit from 'p-limit'
import { type Copy, openCopies, queued } from './copies.ts'
import { type Fetching, fetchBlobs, fetchCopy, fetchRef } from './fetch-copy.ts'
import {
  type Answer,
  type FromHelper,
  HelperError,
  type HelperStart,
  type Method,
  type Requests,
  type ToHelper,
} from './helper-messages.ts'
import { openPlaces } from './places.ts'
import { pushFile } from './push-file.ts'
import { reads } from './read-copy.ts'
import { endAllGit, gitEnvironment, runGit } from './run-git.ts'

const oldest = [2, 37] as const
const itemsPiece = 500
/** Of those that read at once: they do not wait for those at servers. */
const reading = pLimit(4)

interface Opened extends HelperStart, Fetching {}

type Request = Extract<ToHelper, { method: Method }>

const aborts = new Map<number, AbortController>()
let start: HelperStart | undefined
let opened: Promise<Opened> | undefined

process.on('message', (message: ToHelper) => {
  if ('start' in message) start = message.start
  else if ('abort' in message) aborts.get(message.abort)?.abort()
  else void answer(message)
})
process.on('disconnect', end)
process.on('SIGTERM', end)
// The terminal's is for the controller, which ends this one when it is done.
process.on('SIGINT', () => undefined)

function end(): void {
  endAllGit()
  process.exit(0)
}

async function answer(request: Request): Promise<void> {
  const { id } = request
  const abort = new AbortController()
  aborts.set(id, abort)
  try {
    const { items = [], ...rest } = await perform(request, abort.signal)
    for (let at = 0; at < items.length; at += itemsPiece) tell({ id, items: items.slice(at, at + itemsPiece) })
    tell({ id, end: rest })
  } catch (error) {
    const { fault, message } = told(error)
    tell({ id, error: { fault, message } })
  } finally {
    aborts.delete(id)
  }
}

function told(error: unknown): HelperError {
  if (error instanceof HelperError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return new HelperError('failed', 'The disk of the controller is full.')
  return new HelperError('failed', `The copy of the repository could not be used: ${message}.`)
}

function tell(message: FromHelper): void {
  // Where the controller has just gone, `disconnect` ends this program.
  if (process.connected) process.send!(message, undefined, undefined, () => undefined)
}

async function perform(request: Request, signal: AbortSignal): Promise<Answer> {
  const { repository, url, method, input } = request
  if (signal.aborted) throw new HelperError('aborted', 'It is not wanted any more.')
  opened ??= open()
  const by = await opened.catch((error) => {
    // Whoever asks next may find it mended.
    opened = undefined
    throw error
  })
  const copy = await by.copies.get(repository, url)
  switch (method) {
    case 'fetch':
      await fetchCopy(by, copy, input as Requests['fetch'], signal)
      return {}
    case 'fetchRef': {
      const { remote, ref } = input as Requests['fetchRef']
      return { commit: await fetchRef(by, copy, remote, ref, signal) }
    }
    case 'fetchBlobs': {
      const { remote, blobs } = input as Requests['fetchBlobs']
      await fetchBlobs(by, copy, remote, blobs, signal)
      return {}
    }
    case 'pushFile': {
      const { remote, file } = input as Requests['pushFile']
      return { commit: await pushFile(by, copy, remote, file, signal) }
    }
    case 'forget':
      await queued(copy, () => by.copies.discard(copy))
      return {}
    default:
      return readSound(by, copy, () => reads[method](by, copy, input as never))
  }
}

async function readSound({ copies }: Opened, copy: Copy, read: () => Promise<Answer>): Promise<Answer> {
  try {
    return await reading(async () => {
      const answer = await read().catch((error: unknown) => {
        if (error instanceof HelperError && error.fault === 'missing') return error
        throw error
      })
      // What is not in the repository, or was lost with a part of the copy.
      if (isNothing(answer) && !(await copies.isSound(copy))) throw new HelperError('absent', 'The copy is broken.')
      if (answer instanceof HelperError) throw answer
      return answer
    })
  } catch (error) {
    if (error instanceof HelperError && error.fault === 'absent' && copy.state) {
      await queued(copy, () => copies.discard(copy))
    }
    throw error
  }
}

function isNothing(answer: Answer | HelperError): boolean {
  if (answer instanceof HelperError) return true
  const { commit, isThere, isContained, items, missing } = answer
  return !commit && !isThere && !isContained && !items?.length && !missing
}

async function open(): Promise<Opened> {
  const { folder, environment, bounds } = start!
  const env = gitEnvironment(environment)
  await checkVersion(env)
  return { ...start!, env, places: openPlaces(bounds.silentMs), copies: openCopies(folder, env, bounds) }
}

async function checkVersion(env: Record<string, string>): Promise<void> {
  const { output } = await runGit({ cwd: '/', env, args: ['version'], mostMs: 10_000 })
  const [, major = 0, minor = 0] = (/^git version (\d+)\.(\d+)/.exec(output) ?? []).map(Number)
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return
  const found = output.trim().slice(0, 60) || 'a program that does not say its version'
  throw new HelperError(
    'git_missing',
    `git on the host of the controller is too old: it is ${found}. Install git ${oldest.join('.')} or newer.`,
  )
}
