// The pipeline files the tests share.
import { readdirSync, readFileSync } from 'node:fs'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, it } from 'vitest'
import { parsePipeline } from './pipeline-yaml.ts'

const folder = new URL('./fixtures/', import.meta.url)
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))

describe('fixtures', () => {
  it.each(files)('$name has no errors', ({ text }) => {
    const errors = parsePipeline(text).problems.filter((problem) => problem.severity === Severity.ERROR)
    expect(errors.map((problem) => `${problem.line}:${problem.column} ${problem.message}`)).toEqual([])
  })
})
