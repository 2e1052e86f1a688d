// The comments of a file belong to its entries: they can be taken out and put in again, and nothing else changes with them.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { canonicalGraph } from '../canonical.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'
import { commentsOf, noComment, withComments } from './comments.ts'

const text = `# head

name: x # of all
steps:
  # first
    # deeper
  a: # the key
    run: | # the script
      echo a
      # of the script

  # second

  b:
    needs:
      # why
      - a # that
    timeout: 5m # long
    retry: { max: 2 } # braces
`
const shown = (of: string) =>
  Object.fromEntries([...commentsOf(of)].map(([path, each]) => [path.replaceAll('\n', '.'), each]))

describe('comments of a file', () => {
  it('belong to what they stand above or behind; what stands in a script is none', () => {
    expect(shown(text)).toEqual({
      name: { above: ['# head', ''], behind: '# of all' },
      'steps.a': { above: ['# first', '  # deeper'], behind: '# the key' },
      'steps.a.run': { above: [], behind: '# the script' },
      'steps.b': { above: ['', '# second', ''], behind: '' },
      'steps.b.needs.- a': { above: ['# why'], behind: '# that' },
      'steps.b.timeout': { above: [], behind: '# long' },
      'steps.b.retry': { above: [], behind: '# braces' },
    })
  })

  it('come out and in again, and the rest stays as it is', () => {
    const comments = commentsOf(text)
    const bare = withComments(text, new Map([...comments.keys()].map((path) => [path, noComment])))
    expect(bare.match(/#.*/g)).toEqual(['# of the script'])
    expect(canonicalGraph(parsePipeline(bare).graph)).toBe(canonicalGraph(parsePipeline(text).graph))
    expect(withComments(bare, comments)).toBe(text)
    expect(withComments(text, comments)).toBe(text)
  })

  const folder = new URL('../fixtures/', import.meta.url)
  it.each(readdirSync(folder).filter((name) => name.endsWith('.yaml')))(
    'of %s are in a text of its own making too',
    (name) => {
      const source = readFileSync(new URL(name, folder), 'utf8')
      const comments = commentsOf(source)
      const { graph } = parsePipeline(source)
      const plain = renderPipeline(graph)
      const result = withComments(plain, comments)
      expect(canonicalGraph(parsePipeline(result).graph)).toBe(canonicalGraph(graph))
      const there = commentsOf(result)
      for (const [path, comment] of comments)
        if (there.has(path)) expect([path, there.get(path)]).toEqual([path, comment])
      expect(withComments(source, comments)).toBe(source)
    },
  )
})
