// The lines chosen by the address (#L10-L20): choosing them with clicks, copying them, and the address to hand on.
import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { shownText } from './terminal-line.ts'
import type { useLog } from './use-log.ts'

export type LineRange = [from: number, to: number]

export function parseLines(hash: string): LineRange | undefined {
  const match = /^#L(\d+)(?:-L(\d+))?$/.exec(hash)
  if (!match) return undefined
  const from = Number(match[1])
  const to = Number(match[2] ?? match[1])
  return from <= to ? [from, to] : [to, from]
}

export function useLogLines(log: ReturnType<typeof useLog>, stepId: () => string) {
  const route = useRoute()
  const router = useRouter()
  const chosen = computed(() => parseLines(route.hash))

  /** The step goes into the address too: the lines are its, whatever the page would pick by itself. */
  function choose(line: number, extend: boolean): void {
    const from = extend && chosen.value ? chosen.value[0] : line
    const hash = from === line ? `#L${line}` : `#L${Math.min(from, line)}-L${Math.max(from, line)}`
    void router.replace({ query: { ...route.query, step: stepId() }, hash: hash === route.hash ? '' : hash })
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

  return { chosen, choose, clear, text }
}
