// The published schema accepts what the parser accepts, and refuses what people mistype.
import { readdirSync, readFileSync } from 'node:fs'
import { type Schema, Validator } from '@cfworker/json-schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { pipelineJsonSchema } from './json-schema.ts'

const folder = new URL('./fixtures/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
const validator = new Validator(pipelineJsonSchema() as Schema, '2020-12', false)
const errorsOf = (text: string) =>
  validator.validate(parse(text)).errors.map((error) => `${error.instanceLocation} ${error.error}`)

describe('pipelineJsonSchema', () => {
  it.each(files)('accepts %s', (name) => {
    expect(errorsOf(readFileSync(new URL(name, folder), 'utf8'))).toEqual([])
  })

  it.each([
    'steps: { a: { run: x } }',
    'name: x\nsteps: {}',
    'name: x\nsteps: { A: { run: x } }',
    'name: x\nsteps: { a: { runn: x } }',
    'name: x\nsteps: { a: { uses: deploy } }',
    'name: x\nsteps: { a: { uses: fetch_code, with: { url: /a, dept: 1 } } }',
    'name: x\nsteps: { a: { uses: fetch_code, with: { url: /a, depth: -1 } } }',
    'name: x\nsteps: { a: { run: x, uses: fetch_code, with: { url: /a } } }',
    'name: x\nsteps: { a: { run: x, image: node, pull: sometimes } }',
    'name: x\nsteps: { a: { run: x, timeout: soon } }',
    'name: x\nsteps: { a: { run: x, retry: { delay: 1s } } }',
    'name: x\nsteps: { a: { uses: wait, with: { duration: soon } } }',
    'name: x\nsteps: { a: { uses: wait, with: { until: "2030-01-01T09:00:00" } } }',
    'name: x\nsteps: { a: { uses: http_request, with: { url: "https://x", timeout: 10x } } }',
    'name: x\nsteps: { a: { run: x, needs: [{ on: failure }] } }',
    'name: x\ninputs: { a: { type: text } }\nsteps: { a: { run: x } }',
    'name: x\non: { pusch: {} }\nsteps: { a: { run: x } }',
  ])('refuses %j', (text) => {
    expect(errorsOf(text)).not.toEqual([])
  })

  it.each([
    'duration: 1h30m',
    'duration: 90',
    'duration: "${{ inputs.pause }}"',
    'until: "2030-01-01T09:00:00+08:00"',
    'until: "2030-01-01T09:00Z"',
  ])('accepts a wait with %s', (line) => {
    expect(errorsOf(`name: x\nsteps: { a: { uses: wait, with: { ${line} } } }`)).toEqual([])
  })

  it('describes every key and is plain JSON', () => {
    const text = JSON.stringify(pipelineJsonSchema())
    expect(JSON.parse(text)).toEqual(pipelineJsonSchema())
    for (const word of ['allowFailure', 'with-fetch_code', 'runsOn', 'onLost']) expect(text).toContain(word)
  })
})
