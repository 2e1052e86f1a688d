// Whose turn a delivery is: whoever works on one has it for a while, and goes on having it while at work. Who dies gives it back by
// that.
import { RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { RepositoryDeliveryEntity, type RepositoryDeliveryRow } from './delivery.entity.ts'

const leaseMs = 30_000
const renewMs = 10_000

/** Somebody else goes on with it, and has planned what it starts. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
}

export interface Claim {
  /** Aborts when somebody else has it. */
  signal: AbortSignal
  release(): void
  /** What it is held by. */
  nextAt(): Date
}

/** Undefined: somebody else was quicker. */
export async function claimDelivery(
  { db, clock }: { db: Db; clock: Clock },
  { id, nextAt = null }: Pick<RepositoryDeliveryRow, 'id' | 'nextAt'>,
  stopping: AbortSignal,
): Promise<Claim | undefined> {
  let held = new Date(clock.now().getTime() + leaseMs)
  if (!(await moveOn(nextAt, held))) return undefined
  const lost = new AbortController()
  let cancelTimer = clock.setTimer(renewMs, renew)
  return {
    signal: AbortSignal.any([lost.signal, stopping]),
    release: () => cancelTimer(),
    nextAt: () => held,
  }

  function renew(): void {
    const next = new Date(clock.now().getTime() + leaseMs)
    moveOn(held, next).then(
      (isOurs) => {
        if (!isOurs) return lost.abort()
        held = next
        cancelTimer = clock.setTimer(renewMs, renew)
      },
      // The store is away for a moment; the lease may last longer than that.
      () => {
        cancelTimer = clock.setTimer(renewMs, renew)
      },
    )
  }

  async function moveOn(from: Date | null, to: Date): Promise<boolean> {
    const where = { id, nextAt: from, result: RepositoryDeliveryResult.TAKEN }
    return (await db.em().nativeUpdate(RepositoryDeliveryEntity, where, { nextAt: to })) === 1
  }
}
