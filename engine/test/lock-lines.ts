// Who keeps the locks that a run asks for, as other runs of its project would see to it: one line for each name, and foreign ones in them.
import type { LockChange } from '../src/gates/locks.ts'

interface Claim {
  of: string
  /** Group and pipeline are one name each; of each, how many may be before it. */
  names: Map<string, number>
  given: boolean
}

/** `foreign`: how many others are before each that comes. */
export class LockLines {
  readonly claims: Claim[] = []
  private readonly foreign: number
  private others = 0

  constructor(foreign: number) {
    this.foreign = foreign
  }

  work(changes: readonly LockChange[]): void {
    for (const change of changes) {
      if (change.type === 'asked')
        this.ask(change.of, new Map(change.wants.map(({ kind, name, most }) => [`${kind} ${name}`, most])))
      else if (change.type === 'returned') this.giveBack(change.of)
    }
  }

  private ask(of: string, names: Map<string, number>): void {
    if (this.claims.some((claim) => claim.of === of)) throw new Error(`${of || 'the run'} asks twice`)
    if (names.size === 0) throw new Error(`${of} asks for nothing`)
    for (let n = 0; n < this.foreign; n++) this.claims.push({ of: `other ${this.others++}`, names, given: true })
    this.claims.push({ of, names, given: false })
  }

  /** Of what was asked for without a name, too: nobody has it then. */
  private giveBack(of: string): void {
    const at = this.claims.findIndex((claim) => claim.of === of)
    if (at >= 0) this.claims.splice(at, 1)
  }

  /** One of the others ends; false: there is none. */
  letOneGo(): boolean {
    const at = this.claims.findIndex(({ of }) => of.startsWith('other '))
    if (at >= 0) this.claims.splice(at, 1)
    return at >= 0
  }

  /** Those of the run whose turn it is and who may not know it. */
  turns(): string[] {
    return this.claims
      .filter((claim, place) => {
        const before = this.claims.slice(0, place)
        return [...claim.names].every(([name, most]) => before.filter(({ names }) => names.has(name)).length < most)
      })
      .map((claim) => claim.of)
      .filter((of) => !of.startsWith('other '))
  }

  waiting(): string[] {
    const turns = this.turns()
    return this.claims.map(({ of }) => of).filter((of) => !of.startsWith('other ') && !turns.includes(of))
  }
}
