// What the controller knows of git repositories elsewhere, and how it says that it cannot: the types of mirrors.ts.

/** What a server is told about who asks. Http: anonymous or with a password (tokens are passwords); ssh: always with a key. */
export type GitCredentials =
  | { kind: 'none' }
  | { kind: 'password'; username: string; password: string }
  /** A private key without passphrase, and lines as `ssh-keyscan` prints them: another server key is refused. */
  | { kind: 'ssh'; sshKey: string; knownHosts: string }

/** Asked each time before git goes to the server, to read it or to push as well: tokens live for an hour or less. */
export type GitAccess = (signal: AbortSignal, isPush: boolean) => Promise<GitCredentials>

export interface GitRepository {
  /** Letters, digits, `-`, `_`. The same id with another url begins anew. */
  id: string
  /** https, http or ssh, or user@host:path. */
  url: string
  access: GitAccess
}

/** Copies of repositories that are elsewhere. They are a cache: one that is gone or broken is made anew, by whoever asks next. */
export interface GitMirrors {
  /** Nothing is asked yet. The url and access given last are those that count for this id. */
  open(repository: GitRepository): GitMirror
  /** Removes the copy; what is being asked of it fails. */
  forget(id: string): Promise<void>
  /** Ends all processes of git. */
  stop(): Promise<void>
}

/**
 * All reject with GitError. A commit is 40 or 64 hexadecimal digits, or it is refused. What is read comes from the copy, which is
 * fetched first when there is none (`unreachable` after 20 s, and fetched all the same), and is as it was at the last fetch.
 */
export interface GitMirror {
  /**
   * Brings what the server has now. Those who call while one is under way share the next. `news`: a commit that the server is said to have
   * got; while the copy lacks it, nothing is asked first, and which branch is the default one stays as it is known.
   */
  fetch(signal: AbortSignal, news?: string): Promise<void>
  refs(): Promise<GitRefs>
  /** Of a commit, a full ref ("refs/tags/v1") or a branch or tag (the branch, where both have the name). Undefined: there is none. */
  commit(revision: string): Promise<GitCommit | undefined>
  /** Newest first, at most 1,000. Undefined: there is no such revision. */
  log(from: string, page: GitLogPage): Promise<GitCommit[] | undefined>
  /** The text of a file. Undefined: there is none. `too_large`, and `refused` for what is no text or no plain file (a link). */
  file(commit: string, path: string, mostBytes: number): Promise<string | undefined>
  /** Names of plain files directly in a folder ('' is the top), in git's order, at most 10,000; empty: there is no such folder. */
  list(commit: string, folder: string): Promise<string[]>
  /** Undefined: they have no common history. */
  mergeBase(a: string, b: string): Promise<string | undefined>
  /** Paths that differ, both names of what was renamed; of all files, without `base`. `more`: there are more than `most`. */
  changed(base: string | undefined, head: string, most: number): Promise<GitChanges>
  /**
   * Plain files at a commit, each as what names its content (40 or 64 hexadecimal digits), a tab and its path: those that are, or lie
   * below, one of the paths in `under`; without any, all. `too_large` where there are more than `most`.
   */
  tree(commit: string, under: readonly string[], most: number): Promise<string[]>
  /** Whether a branch or tag leads to it: what the server merely keeps, or keeps for a request of somebody else, does not count. */
  contains(commit: string): Promise<boolean>
  /**
   * Brings one ref that is no branch and no tag, such as refs/pull/12/head; answers its commit. It is kept until the copy is made anew:
   * who finds a commit of it missing asks again.
   */
  fetchRef(ref: string, signal: AbortSignal): Promise<string>
  /**
   * Puts a text file on top of a commit and lets the branch stand there, at the server too; answers the new commit. The same is the same
   * commit, whenever it is asked for. Rejects with `moved` and `protected` as well, and with `missing` when the copy has no such parent.
   */
  pushFile(file: GitFileCommit, signal: AbortSignal): Promise<string>
}

export interface GitFileCommit {
  /** Without "refs/heads/". */
  branch: string
  /** Where the branch stands at the server now; undefined: it is not there yet. Nothing that stands elsewhere is written over. */
  expected: string | undefined
  parent: string
  path: string
  text: string
  message: string
  author: GitPerson
  committer: GitPerson
  at: Date
}

export interface GitPerson {
  name: string
  mail: string
}

export interface GitRefs {
  /** By name; at most 5,000, those with the newest commits. */
  refs: GitRef[]
  more: boolean
  /** Without "refs/heads/"; undefined: the server names none, or one that has no commit. */
  defaultBranch: string | undefined
}

export interface GitRef {
  /** In full: refs/heads/main. */
  name: string
  commit: string
}

export interface GitCommit {
  id: string
  parents: string[]
  /** "Name <mail>". */
  author: string
  committedAt: Date
  /** The first 4,096 letters. */
  message: string
}

export interface GitLogPage {
  limit: number
  /** So many are left out. Pages hang together when `from` is a commit. */
  skip?: number
  /** Those that it has too are left out: what a push brought. */
  notIn?: string
}

export interface GitChanges {
  paths: string[]
  more: boolean
}

/**
 * - denied: the server does not accept the credentials, or they may not read this
 * - missing: there is no such repository, ref or commit
 * - unreachable: the host is not known, does not answer, or does not answer as a git server
 * - refused: by us: an address, a host, a redirect, a server key, a name, a file that is no text
 * - too_large: more than the bounds allow, of bytes or time
 * - git_missing: this host has no git, or one that is too old
 * - moved: the branch at the server does not stand where it was expected
 * - protected: the server lets the credentials in and refuses this push; the message says why, in its words
 * - aborted: whoever asked does not want it any more, or the controller stops
 * - failed: git could not do its work here, such as on a full disk
 */
export type GitFault =
  | 'denied'
  | 'missing'
  | 'unreachable'
  | 'refused'
  | 'too_large'
  | 'moved'
  | 'protected'
  | 'git_missing'
  | 'aborted'
  | 'failed'

/** The message is a sentence for people and holds no secret. */
export class GitError extends Error {
  override readonly name = 'GitError'
  readonly fault: GitFault

  constructor(fault: GitFault, message: string) {
    super(message)
    this.fault = fault
  }
}
