// ChainService.
import {
  ChainService,
  type PipelineRunTrigger,
  PipelineRunTriggerSchema,
} from '@ansflow/proto/gen/ansflow/v1/chains_pb'
import { RunTriggerSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, fromJsonString } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type ServiceTable, serviceTable } from '../../transport/call.ts'
import { PipelineLinkEntity, type PipelineLinkRow } from './pipeline-link.entity.ts'

export function chainsApi(): ServiceTable {
  return serviceTable(ChainService, {
    async listRunTriggers({ pipelineId }, ctx) {
      const of = { ownerId: pipelineId, kind: 'run' }
      const rows = await ctx.em.find(PipelineLinkEntity, of, { orderBy: { place: 'asc' } })
      return { triggers: rows.map(toTrigger) }
    },
  })
}

function toTrigger({ definition, lastAt, lastRunId, lastProblem }: PipelineLinkRow): PipelineRunTrigger {
  return create(PipelineRunTriggerSchema, {
    trigger: fromJsonString(RunTriggerSchema, definition ?? '{}', { ignoreUnknownFields: true }),
    ...(lastAt && { last: { at: timestampFromDate(lastAt), runId: lastRunId ?? '', problem: lastProblem } }),
  })
}
