// The tables of fields say everything that a pipeline is.
import { readFileSync } from 'node:fs'
import { PipelineGraphSchema, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type DescMessage } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { canonicalGraph, graphHash } from '../canonical.ts'
import { parsePipeline } from '../pipeline-yaml.ts'
import { foundParts, pipelineFields, pipelineParts } from './pipeline-fields.ts'
import { actionFields, identityFields, stepFields } from './step-fields.ts'

const namesOf = (schema: DescMessage) => schema.fields.map(({ localName }) => localName).sort()

describe('the tables of fields', () => {
  it('have an entry for every field of a step', () => {
    const known = [...stepFields.map(({ of }) => of), ...actionFields, ...identityFields]
    expect(known.sort()).toEqual(namesOf(StepDefinitionSchema))
  })

  it('have an entry for every field of a pipeline', () => {
    const known = [...pipelineFields.map(({ of }) => of), ...pipelineParts, ...foundParts]
    expect(known.sort()).toEqual(namesOf(PipelineGraphSchema))
  })

  it.each([...stepFields, ...pipelineFields])('leave $key out where it says nothing', ({ of, kind }) => {
    const schema = (stepFields as readonly { of: string }[]).some((field) => field.of === of)
      ? StepDefinitionSchema
      : PipelineGraphSchema
    const nothing = (create(schema) as unknown as Record<string, never>)[of]
    expect(nothing).toEqual(kind.absent)
    expect(kind.write(kind.absent as never)).toBe(undefined)
    expect(kind.toDocument(kind.absent as never)).toEqual({})
  })
})

describe('the hash', () => {
  const hashes = JSON.parse(readFileSync(new URL('../fixtures/hashes.json', import.meta.url), 'utf8')) as object

  it.each(Object.entries(hashes))('of %s is the one of the first version', (file, hash) => {
    const { graph } = parsePipeline(readFileSync(new URL(`../fixtures/${file}`, import.meta.url), 'utf8'))
    // The first version kept it in the file and knew nothing of it: what it says now is a difference.
    const push = graph.triggers?.push
    if (push) {
      expect(graphHash(graph)).not.toBe(hash)
      delete graph.triggers!.push
    }
    expect(graphHash(graph)).toBe(hash)
  })

  it('does not know of fields that came later and say nothing', () => {
    const step = create(StepDefinitionSchema, { id: 'a', uses: 'custom' })
    const text = canonicalGraph(create(PipelineGraphSchema, { name: 'x', steps: [step] }))
    const first = 'allowFailure description disabled env id name needs onLost outputs retry runsOn secrets timeoutMs'
    const [written] = (JSON.parse(text) as { steps: object[] }).steps
    expect(Object.keys(written ?? {})).toEqual([...first.split(' '), 'uses', 'when', 'with', 'workspace'])
  })
})
