// The lines chosen by the address (#L10-L20): choosing them with clicks, copying them, and the address to hand on.
import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { shownText } from './terminal-line.ts'
import type { LogTarget, useLog } from './use-log.ts'

export type LineRange = [from: number, to: number]

export function parseLines(hash: string): LineRange | undefined {
  const match = /^#L(\d+)(?:-L(\d+))?$/.exec(hash)
  if (!match) return undefined
  const from = Number(match[1])
  const to = Number(match[2] ?? match[1])
  return from <= to ? [from, to] : [to, from]
}

export function useLogLines(log: ReturnType<typeof useLog>, target: () => LogTarget) {
  const route = useRoute()
  const router = useRouter()
  const chosen = computed(() => parseLines(route.hash))

  /** The step and its try go into the address too: the lines are theirs, whatever the page would pick by itself. */
  function query() {
    const { stepId, attempt } = target()
    return { ...route.query, attempt: String(attempt), step: stepId }
  }

  function choose(line: number, extend: boolean): void {
    const from = extend && chosen.value ? chosen.value[0] : line
    const hash = from === line ? `#L${line}` : `#L${Math.min(from, line)}-L${Math.max(from, line)}`
    void router.replace({ query: query(), hash: hash === route.hash ? '' : hash })
  }

  function clear(): void {
    void router.replace({ query: route.query, hash: '' })
  }

  /** The chosen lines as text, also those that are not on the screen. */
  async function text(): Promise<string> {
    if (!chosen.value) return ''
    const [from, to] = chosen.value
    await log.need(from, to)
    const lines = []
    for (let number = from; number <= to; number++) lines.push(shownText(log.buffer.value.line(number)?.text ?? ''))
    return `${lines.join('\n')}\n`
  }

  /** The address of the chosen lines, for somebody else. */
  function link(): string {
    return new URL(router.resolve({ query: query(), hash: route.hash }).href, location.href).href
  }

  return { chosen, choose, clear, text, link }
}
