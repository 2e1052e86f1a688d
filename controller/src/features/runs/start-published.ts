// Starts the latest version of a pipeline for whatever has a reason to: schedules, steps and ends of other runs, webhooks. The
// run's id is known beforehand, so that it is begun once, however often and by whomever it is asked for.
import { AppError, invalid, notFound } from '@ansflow/proto/errors'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Run, RunOrigin } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { fittedInputs, resolveInputs } from '@ansflow/proto/inputs'
import type { JsonObject } from '@bufbuild/protobuf'
import type { Db } from '../../platform/db.ts'
import type { Workers } from '../../platform/workers.ts'
import { type PipelineRow, runnableGraph } from '../pipelines/index.ts'
import { findProject } from '../projects/index.ts'
import type { RunDriver } from './driver/run-driver.ts'

export interface StartDeps {
  db: Db
  workers: Workers
  driver: Pick<RunDriver, 'start'>
}

export interface PublishedStart {
  pipelineId: string
  /** By name; what is not named gets its default. */
  inputs: JsonObject
  /** Texts that say a number, true or false become that where the pipeline asks for it. */
  textInputs?: true
  origin: RunOrigin
  runId: string
  /** The person whose share of the workers it takes. */
  by: string
}

/** Throws `not_found`, `failed_precondition` "never_published", or what is wrong with the inputs. */
export async function startPublished(deps: StartDeps, start: PublishedStart): Promise<Run> {
  const what = await runnableGraph(deps.db.em(), start.pipelineId, 0)
  return startGraph(deps, { ...start, ...what })
}

export interface GraphStart extends Omit<PublishedStart, 'pipelineId' | 'by'> {
  pipeline: Pick<PipelineRow, 'id' | 'name' | 'projectId'>
  /** As runs execute it. */
  graph: PipelineGraph
  /** 0: it is none of its versions. */
  version: number
}

/** Throws what is wrong with the inputs. */
export async function startGraph({ db, driver }: StartDeps, start: GraphStart): Promise<Run> {
  const { pipeline, graph, version, origin, runId } = start
  const { project, inputs } = await readyToStart(db, start)
  return driver.start({
    organizationId: project.organizationId,
    projectId: project.id,
    projectSlug: project.slug,
    pipelineId: pipeline.id,
    pipelineName: pipeline.name,
    version,
    graph,
    inputs,
    origin,
    runId,
  })
}

/** All that a start asks before anything is begun. Throws what is wrong with the inputs. */
export async function readyToStart(
  db: Db,
  { pipeline, graph, inputs, textInputs }: Pick<GraphStart, 'pipeline' | 'graph' | 'inputs' | 'textInputs'>,
) {
  const project = await findProject(db.em(), pipeline.projectId)
  if (!project) throw notFound('project', pipeline.projectId)
  const given = textInputs ? fittedInputs(graph.inputs, inputs) : inputs
  const { values, violations } = resolveInputs(graph.inputs, given)
  if (violations.length > 0) throw invalid(violations)
  return { project, inputs: values }
}

const forNow: ReadonlySet<string> = new Set(['unavailable', 'aborted', 'internal'])

/** What is refused would be refused again. What the store cannot take now is thrown on: it is tried again. */
export function refusalOf(error: unknown): AppError {
  if (error instanceof AppError && !forNow.has(error.code)) return error
  throw error
}
