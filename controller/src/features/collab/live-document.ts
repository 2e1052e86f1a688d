// Owns one open document's bytes and what is known of them. As a document it is with a thread: reading a large one takes long,
// and a thread that dies of what somebody sent gets the bytes again.
import { unavailable } from '@ansflow/proto/errors'
import type { Author } from './authors.ts'
import type { Decoder } from './decoder.ts'
import { packUpdates } from './packed-updates.ts'
import { type Change, type DocumentAnswer, unchecked, type Verdict } from './verdict.ts'

/** Where a change comes from: the database, or somebody. */
export type Origin = 'store' | { author: Author | null }

export interface LiveDocumentDeps {
  id: string
  decoder: Decoder
  /** Of what was new to the document, at once and in order. */
  onChange(news: NonNullable<Change['news']>, origin: Origin): void
}

/** Somebody's update, from the check on. */
export interface Attempt {
  author: Author
  /** Asked when it was found to be fine. */
  mayStill(): boolean
  /** It is in the document now, if it is not refused. */
  taken(): void
}

const emptyVector = new Uint8Array([0])
let opened = 0

export class LiveDocument {
  readonly #deps: LiveDocumentDeps
  /** Its name among the threads: one that is opened again before the former has closed is another. */
  readonly #name: string
  /** Everything, in V2: a state and what came after it. */
  #updates: Uint8Array[] = []
  #vector: Uint8Array = emptyVector

  constructor(deps: LiveDocumentDeps) {
    this.#deps = deps
    opened += 1
    this.#name = `${deps.id} ${opened}`
  }

  get updates(): readonly Uint8Array[] {
    return this.#updates
  }

  /** The state vector. */
  get vector(): Uint8Array {
    return this.#vector
  }

  /** Tries somebody's update (V1), and takes it when it is fine and they `mayStill`. */
  async check(update: Uint8Array, { author, mayStill, taken }: Attempt): Promise<Verdict | { kind: 'tooLate' }> {
    const { decoder } = this.#deps
    let late = false
    const answer = await decoder.perform({
      task: { kind: 'check', room: this.#name, update },
      person: author.id,
      updates: () => this.#updates,
      take: (answer) => {
        late = !mayStill()
        if (late) return false
        this.#take(answer, { author })
        taken()
        return true
      },
    })
    if (late) return { kind: 'tooLate' }
    if (answer.kind === 'refused' || answer.kind === 'incomplete') return answer
    return answer.kind === 'changed' ? { kind: 'fine' } : unchecked
  }

  /** Takes updates (V2) of the server itself or of its database. */
  async apply(updates: readonly Uint8Array[], origin: Origin): Promise<void> {
    if (updates.length === 0) return
    const { decoder } = this.#deps
    if (this.#updates.length === 0) {
      const answer = await decoder.load(this.#name, updates)
      if (answer.kind !== 'changed') throw unreadable(answer)
      this.#updates = [...updates]
      this.#vector = answer.change.vector
      return
    }
    const answer = await decoder.perform({
      task: { kind: 'apply', room: this.#name, updates: packUpdates(updates) },
      updates: () => this.#updates,
      take: (answer) => {
        this.#take(answer, origin)
        return true
      },
    })
    if (answer.kind !== 'changed') throw unreadable(answer)
  }

  #take(answer: DocumentAnswer, origin: Origin): void {
    if (answer.kind !== 'changed') return
    const { news, vector } = answer.change
    this.#vector = vector
    if (!news) return
    this.#updates.push(news.stored)
    this.#deps.onChange(news, origin)
  }

  /** What somebody's state vector lacks, in V1; or why that cannot be said. */
  async lacking(vector: Uint8Array, person: string): Promise<Uint8Array | Extract<Verdict, { kind: 'refused' }>> {
    const answer = await this.#deps.decoder.perform({
      task: { kind: 'read', room: this.#name, vector },
      person,
      updates: () => this.#updates,
    })
    if (answer.kind === 'bytes') return answer.bytes
    return answer.kind === 'refused' ? answer : unchecked
  }

  /** Makes one state of everything, and gives it. */
  async fold(): Promise<Uint8Array> {
    const answer = await this.#deps.decoder.perform({
      task: { kind: 'read', room: this.#name },
      updates: () => this.#updates,
      take: (answer) => {
        if (answer.kind === 'bytes') this.#updates = [answer.bytes]
        return true
      },
    })
    if (answer.kind !== 'bytes') throw unreadable(answer)
    return answer.bytes
  }

  /** Many updates (V2) as one. */
  async merged(updates: readonly Uint8Array[]): Promise<Uint8Array> {
    const answer = await this.#deps.decoder.perform({
      task: { kind: 'merge', room: this.#name, updates: packUpdates(updates) },
      updates: () => this.#updates,
    })
    if (answer.kind !== 'bytes') throw unreadable(answer)
    return answer.bytes
  }

  close(): void {
    this.#deps.decoder.forget(this.#name)
  }
}

function unreadable(answer: DocumentAnswer): Error {
  return unavailable('The document cannot be read at the moment.', answer)
}
