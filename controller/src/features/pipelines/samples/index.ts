// The built-in samples: whole pipeline files that run anywhere.
import { invalidField } from '@ansflow/proto/errors'
import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { parsePipeline, renderPipeline } from '@ansflow/proto/pipeline-yaml'
import { create } from '@bufbuild/protobuf'
import { type Seed, seedOf } from '../seed.ts'
import { hello } from './hello.ts'

const samples: ReadonlyMap<string, string> = new Map([['hello', hello]])

/** The sample under another name; "" is an empty pipeline. */
export function sampleSeed(id: string, name: string): Seed {
  if (id === '') return seedOf(create(PipelineGraphSchema, { name }), '')
  const yaml = samples.get(id)
  if (yaml === undefined) throw invalidField('sample', `is none of: ${[...samples.keys()].join(', ')}`)
  const { graph } = parsePipeline(yaml)
  graph.name = name
  return seedOf(graph, renderPipeline(graph, yaml))
}
