// A check of a commit: like a status, with a summary and remarks at lines. Only apps can make them.
import type { JsonObject } from '@bufbuild/protobuf'
import type { CommitStatus, StatusAnnotation } from '../../forge.ts'
import { type Ask, idIn, queryOf, readAnswer } from '../../forge-http.ts'
import { longestName, type Part, shownText } from '../../payload.ts'
import { longestDescription, statusText } from '../../said-to-forges.ts'

/** GitHub takes 65,535 bytes and counts them in UTF-8. */
const longestSummary = 65_535
/** Of one request; each adds to those that were sent before. */
const mostAtOnce = 50

const states: Record<CommitStatus['state'], JsonObject> = {
  pending: { status: 'queued' },
  running: { status: 'in_progress' },
  succeeded: { status: 'completed', conclusion: 'success' },
  failed: { status: 'completed', conclusion: 'failure' },
  canceled: { status: 'completed', conclusion: 'cancelled' },
}

const levels: Record<StatusAnnotation['level'], string> = { notice: 'notice', warning: 'warning', error: 'failure' }

/**
 * The app's own check of this name is changed; without one, or where it is of another run, it is made. `repository`: "/repos/acme/shop".
 */
export async function putCheck(
  ask: Ask,
  { repository, appId, commit }: { repository: string; appId: string; commit: string },
  status: CommitStatus,
  signal: AbortSignal,
): Promise<void> {
  const name = statusText(status.name, longestName)
  // An app can also be named by a word that is no id: then all apps' checks of this name are looked at.
  const own = /^\d+$/.test(appId) ? { app_id: appId } : {}
  const query = queryOf({ check_name: name, filter: 'latest', per_page: 1, ...own })
  const known = await ask('GET', `${repository}/commits/${commit}/check-runs${query}`, signal)
  const [check] = readAnswer('GitHub', () => known.body.at('check_runs').items(1))
  const of = status.of.slice(0, 100)
  const isOurs = check !== undefined && check.at('external_id').shownOrNone(100) === of
  const all = (status.annotations ?? []).map(annotationOf)
  // Whoever sent them may have died in between.
  const sent = isOurs ? countOf(check.at('output.annotations_count')) : 0
  const said: JsonObject = {
    name,
    external_id: of,
    ...states[status.state],
    ...(status.url !== '' && { details_url: status.url }),
  }
  const words = { title: statusText(status.description, longestDescription) || name, summary: summaryOf(status) }
  let id = isOurs ? readAnswer('GitHub', () => idIn(check.at('id'))) : undefined
  for (let from = sent; from === sent || from < all.length; from += mostAtOnce) {
    const body = { ...said, output: { ...words, annotations: all.slice(from, from + mostAtOnce) } }
    if (id !== undefined) await ask('PATCH', `${repository}/check-runs/${id}`, signal, body)
    else {
      const made = await ask('POST', `${repository}/check-runs`, signal, { ...body, head_sha: commit })
      id = readAnswer('GitHub', () => idIn(made.body.at('id')))
    }
  }
}

function countOf({ value }: Part): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

function summaryOf({ summary = '', description }: CommitStatus): string {
  const bytes = new TextEncoder().encode(summary || description)
  if (bytes.length <= longestSummary) return summary || description
  return new TextDecoder().decode(bytes.subarray(0, longestSummary)).replace(/\uFFFD+$/, '')
}

function annotationOf({ path, line, endLine, level, title, message }: StatusAnnotation): JsonObject {
  return {
    path,
    start_line: line,
    end_line: Math.max(line, endLine),
    annotation_level: levels[level],
    title: statusText(title, 255),
    message: shownText(message, 4096, 'lines') || level,
  }
}
