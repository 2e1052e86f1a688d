// The largest runs: begun, offered to an agent and canceled, and with an end that sets everything else off.
import { AgentLinkService, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { FakeControl } from '../src/features/agents/test/fake-agent.ts'
import { grpcClient } from './grpc-client.ts'
import { mustCall } from './largest-inputs.ts'
import type { Target } from './measured-controller.ts'

const { startRun, cancelRun } = RunService.method
const { createProject, deleteProject } = ProjectService.method

async function start(t: Target, steps: string, projectId = t.projectId): Promise<string> {
  const yaml = `name: run ${process.pid} ${performance.now()}\nsteps:\n${steps}`
  const made = await mustCall(t, PipelineService.method.applyPipeline, { projectId, yaml, publish: true })
  const { pipeline } = made as { pipeline: { id: string } }
  const { run } = (await mustCall(t, startRun, { pipelineId: pipeline.id })) as { run: { id: string } }
  return run.id
}

async function asAgent(t: Target, work: (control: FakeControl) => Promise<unknown>): Promise<void> {
  const { client, close } = grpcClient(AgentLinkService, t.grpcAddress, t.idleAgentSecret)
  const control = new FakeControl(client)
  try {
    await control.hello({ labels: ['largest'] })
    await work(control)
  } finally {
    control.cut()
    close()
  }
}

const runsOn = 'run: "true", runsOn: [largest]'
const fan = `  first: { ${runsOn} }\n${Array.from({ length: 9999 }, (_, n) => `  s${n}: { ${runsOn}, needs: [first] }\n`).join('')}`
const wide = Array.from({ length: 10_000 }, (_, n) => `  s${n}: { ${runsOn} }\n`).join('')

export const runInputs: Record<string, (target: Target) => Promise<unknown>> = {
  'a run of 10,000 steps, begun, offered and canceled': async (t) => {
    const runId = await start(t, wide)
    await asAgent(t, (control) => control.take())
    await mustCall(t, cancelRun, { runId })
    await mustCall(t, cancelRun, { runId })
  },
  'an end that 9,999 steps wait for': async (t) => {
    const runId = await start(t, fan)
    await asAgent(t, async (control) => {
      const { job } = await control.take()
      control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED } })
      // One of those that waited for it.
      await control.take()
    })
    await mustCall(t, cancelRun, { runId })
    await mustCall(t, cancelRun, { runId })
  },
  'a project with a run of 10,000 steps, deleted': async (t) => {
    const name = `deleted ${performance.now()}`
    const asOwner = { ...t, attacker: t.owner }
    const made = (await mustCall(asOwner, createProject, { name })) as { project: { id: string } }
    const runId = await start(asOwner, wide, made.project.id)
    await mustCall(asOwner, cancelRun, { runId })
    await mustCall(asOwner, deleteProject, { projectId: made.project.id })
  },
}
