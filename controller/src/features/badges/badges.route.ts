// Badges of pipelines. Whoever has no right token, names no branch that has run, or no pipeline that there is gets the same picture.
import { createHash } from 'node:crypto'
import type { Keys } from '../../platform/crypto.ts'
import type { Db } from '../../platform/db.ts'
import type { Answer, GetRoute, RouteRequest } from '../../transport/routes.ts'
import { findPipeline, type PipelineRow } from '../pipelines/index.ts'
import type { Repositories } from '../repositories/index.ts'
import type { RunResult } from '../runs/index.ts'
import { BadgeEntity } from './badge.entity.ts'
import { badgeToken, isBadgeToken } from './badge-token.ts'
import {
  type BadgeKind,
  type BadgeLanguage,
  coverageOf,
  durationOf,
  labelOfKind,
  languageOf,
  statusOf,
  unknownOf,
} from './badge-words.ts'
import { drawBadge } from './draw-badge.ts'

export interface BadgeDeps {
  db: Db
  keys: Keys
  repositories: Repositories
  /** The last run of a branch that is none of a pull request; `branch` empty: of whichever. */
  lastResult(pipelineId: string, branch: string): Promise<RunResult | undefined>
  /** The share of lines that the last of them covered which has reported that. */
  lastCoverage(pipelineId: string, branch: string): Promise<number | undefined>
}

const longestLabel = 60
/** Others show it for so long without asking again. */
const freshSeconds = 60

export function badgesRoute(deps: BadgeDeps): GetRoute {
  return {
    path: '/badges/:pipeline/:token/:picture',
    access: 'public',
    async handle(request) {
      const { query } = request
      const language = languageOf(query.lang ?? '')
      const unknown = unknownOf(language)
      const found = await lookUp(deps, request, language)
      const { label, message, color } = { ...unknown, ...found }
      return answer(request, drawBadge(labelOf(query.label ?? '') || label, message, color))
    },
  }
}

async function lookUp(deps: BadgeDeps, { params, query }: RouteRequest, language: BadgeLanguage) {
  const kind = kindOf(params.picture ?? '')
  const pipeline = await pipelineOf(deps, params.pipeline ?? '', params.token ?? '')
  if (!kind || !pipeline) return undefined
  const branch = (query.branch ?? '').slice(0, 255) || (await defaultBranch(deps, pipeline))
  if (kind === 'coverage') {
    const share = await deps.lastCoverage(pipeline.id, branch)
    return share === undefined ? undefined : { label: labelOfKind(kind, language), ...coverageOf(share) }
  }
  const result = await deps.lastResult(pipeline.id, branch)
  if (!result) return undefined
  if (kind === 'status') return { label: labelOf(pipeline.name), ...statusOf(result.status, language) }
  const label = labelOfKind(kind, language)
  return result.seconds === undefined ? undefined : { label, ...durationOf(result.seconds, language) }
}

async function pipelineOf({ db, keys }: BadgeDeps, id: string, token: string): Promise<PipelineRow | undefined> {
  const row = await db.em().findOne(BadgeEntity, { pipelineId: id })
  if (!isBadgeToken(token, badgeToken(keys, id, row?.mark ?? ''))) return undefined
  return findPipeline(db.em(), id)
}

async function defaultBranch({ db, repositories }: BadgeDeps, { repositoryId }: PipelineRow): Promise<string> {
  const repository = repositoryId ? await repositories.find(db.em(), repositoryId) : undefined
  return repository?.defaultBranch ?? ''
}

function kindOf(picture: string): BadgeKind | undefined {
  return (['status', 'duration', 'coverage'] as const).find((kind) => picture === `${kind}.svg`)
}

function labelOf(text: string): string {
  const plain = text
    .slice(0, 4 * longestLabel)
    .toWellFormed()
    .replace(/[\s\p{Cc}\p{Cf}\u{FFFD}]+/gu, ' ')
    .trim()
  const letters = Array.from(plain)
  return letters.length > longestLabel ? `${letters.slice(0, longestLabel - 1).join('')}…` : plain
}

function answer({ headers }: RouteRequest, svg: string): Answer {
  const etag = `"${createHash('sha256').update(svg).digest('base64url').slice(0, 22)}"`
  const known = (headers['if-none-match'] ?? '').split(',').map((each) => each.trim().replace(/^W\//, ''))
  const isKnown = known.includes(etag) || known.includes('*')
  return {
    contentType: 'image/svg+xml; charset=utf-8',
    cacheControl: `public, max-age=${freshSeconds}`,
    headers: { etag, 'cross-origin-resource-policy': 'cross-origin' },
    status: isKnown ? 304 : 200,
    body: isKnown ? '' : svg,
  }
}
