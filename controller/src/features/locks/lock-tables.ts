// The tables of locks as statements see them.
import { createHash } from 'node:crypto'
import type { Ahead, LockWant } from '@ansflow/engine/locks'

export interface ClaimRow {
  run_id: string
  holder: string
  project_id: string
  place: number
  run_number: number
  pipeline_name: string
  step_name: string
  given: number
  ahead: string | null
  superseded: number
  changes: number
  untold: number
}

export interface WantRow {
  project_id: string
  lock_key: string
  place: number
  kind: string
  name: string
  most: number
}

export interface LockTables {
  lock_line: { project_id: string; last_place: number }
  lock_claim: ClaimRow
  lock_want: WantRow
}

/** Which of its wants a claim waits for, and who comes before it there. */
export interface Hindrance {
  want: LockWant
  ahead: Ahead
  /** That one waits for the claim's run, so there will be no turn. */
  circle?: boolean
}

export function keyOf({ kind, name }: Pick<LockWant, 'kind' | 'name'>): string {
  return createHash('sha256').update(`${kind}\n${name}`).digest('hex')
}

export function wantOf({ kind, name, most }: WantRow): LockWant {
  return { kind: kind as LockWant['kind'], name, most }
}
