// The Markdown of the comment on a pull request: a table of what is known of its newest commit.
import { code, duration, link, table } from './markdown.ts'
import type { RunReport } from './run-report.ts'

export interface CommentedPipeline {
  name: string
  /** "running", "succeeded", "failed", "canceled". */
  state: string
  description: string
  url: string
  /** Else it is a file that could not begin one, and `description` says why. */
  isRun: boolean
  report: RunReport | undefined
  /** What its tests say, as Markdown; absent: nothing. */
  tests?: string
}

/** Where something was deployed. */
export interface Preview {
  environment: string
  url: string
}

export interface Commented {
  commit: string
  pipelines: readonly CommentedPipeline[]
  previews: readonly Preview[]
  /** There are more of them. */
  isCut: boolean
  /** By which it is found again. */
  mark: string
}

const longest = 60_000
/** For what stands around the rows. */
const spare = 1000
const mostSteps = 5

const signs: Record<string, string> = { running: '🔵', succeeded: '🟢', failed: '🔴', canceled: '⚪' }

export function commentText({ commit, pipelines, previews, isCut, mark }: Commented): string {
  const worstFirst = [...pipelines].sort((a, b) => rank(a) - rank(b))
  const rows: string[][] = []
  const shown = previewsText(previews)
  let size = mark.length + spare + shown.length
  for (const pipeline of worstFirst) {
    const row = rowOf(pipeline)
    size += row.join(' | ').length + 5
    if (size > longest) break
    rows.push(row)
  }
  const left = pipelines.length - rows.length
  const more = left > 0 || isCut ? `\n\n${left > 0 ? left : 'Some'} more are not shown.` : ''
  const head = ['Pipeline', 'State', 'Time', 'Failed steps', 'Annotations']
  const tests = testsOf(worstFirst, longest - size)
  return `**AnsFlow**: ${sumOf(pipelines)} at ${code(commit.slice(0, 7))}\n\n${table(head, rows)}${more}${tests}${shown}\n\n${mark}`
}

/** Of as many as there is room for. */
function testsOf(pipelines: readonly CommentedPipeline[], room: number): string {
  let text = ''
  for (const { tests = '' } of pipelines) {
    if (tests !== '' && text.length + tests.length + 2 <= room) text += `\n\n${tests}`
  }
  return text
}

function sumOf(pipelines: readonly CommentedPipeline[]): string {
  const count = (state: string) => pipelines.filter((each) => each.state === state).length
  const words = ['failed', 'running', 'canceled', 'succeeded'].map((state) => [count(state), state] as const)
  return words.flatMap(([many, state]) => (many > 0 ? [`${many} ${state}`] : [])).join(', ')
}

function rank({ state }: CommentedPipeline): number {
  return ['failed', 'running', 'canceled', 'succeeded'].indexOf(state)
}

function rowOf({ name, state, description, url, isRun, report }: CommentedPipeline): string[] {
  const failed = (report?.steps ?? []).filter((step) => step.failed)
  const links = failed
    .slice(0, mostSteps)
    .map((step) => link(code(step.name, 60), `${url}?step=${encodeURIComponent(step.id)}`))
  const more = failed.length > mostSteps ? ` +${failed.length - mostSteps}` : ''
  const { seconds = null, annotations = 0 } = report ?? {}
  return [
    link(code(name), url),
    `${signs[state] ?? ''} ${state}`,
    seconds === null ? '' : duration(seconds),
    isRun ? links.join(', ') + more : code(description, 140),
    annotations > 0 ? String(annotations) : '',
  ]
}

function previewsText(previews: readonly Preview[]): string {
  const lines = previews.map(({ environment, url }) => `Preview: ${code(environment)} → ${link(code(url), url)}`)
  return lines.length > 0 ? `\n\n${lines.join('  \n')}` : ''
}
