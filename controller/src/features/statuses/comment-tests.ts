// The Markdown of what the pipelines of a commit say of tests and coverage: under the table of a comment.
import type { RunTests } from '../reports/index.ts'
import { code } from './markdown.ts'

export const mostFailures = 10

/** Empty: it says nothing. `name`: of the pipeline. `page`: of its run. */
export function testsText(name: string, page: string, { tests, newFailures, failures, coverage }: RunTests): string {
  const lines: string[] = []
  if (tests) {
    const counts = (['failed', 'flaky', 'passed', 'skipped'] as const).flatMap((key) =>
      tests[key] > 0 ? [`${tests[key]} ${key}${key === 'failed' ? newOf(newFailures) : ''}`] : [],
    )
    lines.push(`**[Tests](${page}?view=tests) of** ${code(name)}: ${counts.join(', ') || 'none'}`)
    if (failures.length > 0) lines.push('')
    for (const { suite, name: test, message, isNew } of failures) {
      const called = [suite, test].filter((each) => each !== '').join(' › ')
      const said = message === '' ? '' : `: ${code(message, 160)}`
      lines.push(`- ${code(called, 160)}${isNew ? ' (new)' : ''}${said}`)
    }
    const more = tests.failed - failures.length
    if (more > 0) lines.push(`- ${more} more`)
  }
  if (coverage) {
    const { lines: share, before } = coverage
    const change = before ? ` (${points(share, before.lines)} beside ${code(`#${before.number}`)})` : ''
    if (lines.length > 0) lines.push('')
    lines.push(`**Coverage of** ${code(name)}: ${percent(share)} of lines${change}`)
  }
  return lines.join('\n')
}

function newOf(count: number | undefined): string {
  if (count === undefined) return ''
  return count === 0 ? ' (none new)' : ` (${count} new)`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** As it is seen: a difference of what is shown. */
function points(share: number, before: number): string {
  const tenths = Math.round(share * 1000) - Math.round(before * 1000)
  return tenths === 0 ? '±0' : `${tenths > 0 ? '+' : '−'}${(Math.abs(tenths) / 10).toFixed(1)}`
}
