// The token in the address of a pipeline's badges. It is nowhere: it follows from the mark and the controller's own key.
import { timingSafeEqual } from 'node:crypto'
import type { Keys } from '../../platform/crypto.ts'

/** `mark`: empty before it was renewed for the first time. */
export function badgeToken(keys: Keys, pipelineId: string, mark: string): string {
  return keys.hashToken(`badge ${pipelineId} ${mark}`).slice(0, 32)
}

export function isBadgeToken(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

export function badgePath(keys: Keys, pipelineId: string, mark: string): string {
  return `/badges/${pipelineId}/${badgeToken(keys, pipelineId, mark)}`
}
