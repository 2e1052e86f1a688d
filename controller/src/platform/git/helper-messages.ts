// What the controller and its git helper tell each other. The helper is a process of its own: starting a program from one as large as
// the controller holds it for 15 ms and more, and what git prints is read there.
import type { GitCredentials, GitFault, GitFileCommit } from './git.ts'
import type { GitAddress } from './git-address.ts'

export interface GitBounds {
  /** Of one copy; a fetch that needs more is ended. */
  mirrorBytes: number
  fetchMs: number
  /** How long whoever reads waits for what the server has to give first. It is brought all the same, for whoever asks next. */
  readMs: number
  /** Of whom nothing has come for so long gives its place at a server up. */
  silentMs: number
  /** Of all copies: those not used for longest go first. */
  allBytes: number
  allCount: number
  /** Branches and tags of a repository. */
  refs: number
}

export interface HelperStart {
  folder: string
  /** PATH, and where certificates are. */
  environment: Record<string, string>
  bounds: GitBounds
}

/** A server, where it really is, and what it is told. */
export interface Remote extends GitAddress {
  addresses: string[]
  credentials: GitCredentials
}

export interface Requests {
  fetch: { remote: Remote; news?: string | undefined }
  fetchRef: { remote: Remote; ref: string }
  fetchBlobs: { remote: Remote; blobs: string[] }
  pushFile: { remote: Remote; file: PushFile }
  refs: object
  commit: { revision: string }
  log: { from: string; limit: number; skip: number; notIn: string | undefined }
  file: { commit: string; path: string; mostBytes: number }
  list: { commit: string; folder: string }
  mergeBase: { a: string; b: string }
  changed: { base: string | undefined; head: string; most: number }
  tree: { commit: string; under: string[]; most: number }
  contains: { commit: string }
  forget: object
}

/** Of a branch that stands at `expected`. */
export interface PushFile extends Omit<GitFileCommit, 'at'> {
  /** Seconds since 1970. */
  at: number
}

export type Method = keyof Requests

export type ToHelper =
  | { start: HelperStart }
  | { id: number; repository: string; url: string; method: Method; input: Requests[Method] }
  | { abort: number }

/** `absent`: there is no usable copy; it is to be fetched. */
export type HelperFault = GitFault | 'absent'

/** An answer comes as pieces of its `items`, then the rest: none is so large that reading it holds anybody. */
export type FromHelper =
  | { id: number; items: unknown[] }
  | { id: number; end: Record<string, unknown> }
  | { id: number; error: { fault: HelperFault; message: string } }

export interface Answer {
  items?: unknown[]
  [name: string]: unknown
}

/** In the helper, instead of GitError: its message may have been said by git, without secrets. */
export class HelperError extends Error {
  override readonly name = 'HelperError'
  readonly fault: HelperFault

  constructor(fault: HelperFault, message: string) {
    super(message)
    this.fault = fault
  }
}
