// A controller with a driver of its own for tests of agents: makes agents and runs, and waits for what runs say.
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { PipelineGraphSchema, type StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { GitFactsSchema, RunService, type RunStep, type StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { startController, type TestController, type TestOptions } from '../../../../test/start-controller.ts'
import { uuidv7 } from '../../../platform/ids.ts'
import { createLog } from '../../../platform/log.ts'
import { createRunDriver, type RunDriver } from '../../runs/index.ts'
import { type FakeAgent, registerFakeAgent } from './fake-agent.ts'

type StepInit = MessageInitShape<typeof StepDefinitionSchema>

export class AgentWorld implements AsyncDisposable {
  readonly controller: TestController
  readonly driver: RunDriver
  readonly #agents: FakeAgent[] = []

  private constructor(controller: TestController) {
    this.controller = controller
    const { db, bus, clock } = controller
    this.driver = createRunDriver({ db, bus, clock, log: createLog('silent') })
  }

  static async start(options: TestOptions = {}): Promise<AgentWorld> {
    return new AgentWorld(await startController(options))
  }

  get agents() {
    return this.controller.as(this.controller.owner).client(AgentService)
  }

  get runs() {
    return this.controller.as(this.controller.owner).client(RunService)
  }

  get organizationId(): string {
    return this.controller.owner.organizationId
  }

  async register(name = 'fake', labels: string[] = []): Promise<FakeAgent> {
    const { token } = await this.agents.createRegistrationToken({ organizationId: this.organizationId, labels })
    return this.registerWith(token, name)
  }

  async registerWith(token: string, name = 'fake'): Promise<FakeAgent> {
    const agent = await registerFakeAgent(this.controller.grpcAddress, token, name)
    this.#agents.push(agent)
    return agent
  }

  async startRun(
    steps: StepInit[],
    projectId?: string,
    { pipelineId = uuidv7(), git }: { pipelineId?: string; git?: MessageInitShape<typeof GitFactsSchema> } = {},
  ): Promise<string> {
    const run = await this.driver.start({
      organizationId: this.organizationId,
      projectId: projectId ?? (await this.controller.addProject()),
      projectSlug: 'p',
      pipelineId,
      pipelineName: 'pipeline',
      version: 1,
      graph: create(PipelineGraphSchema, {
        name: 'pipeline',
        steps: steps.map((step) => ({ uses: 'custom', with: { script: 'true' }, ...step })),
      }),
      inputs: {},
      origin: {
        ...byPerson(this.controller.owner.userId, 'owner'),
        ...(git && { git: create(GitFactsSchema, git) }),
      },
    })
    return run.id
  }

  async stepOf(runId: string, stepId: string) {
    const { run } = await this.runs.getRun({ runId })
    const step = run?.steps.find(({ id }) => id === stepId)
    if (!run || !step) throw new Error('no such step')
    return { run, step }
  }

  /** Waits on what the run's events say. */
  async until(runId: string, stepId: string, is: (step: RunStep) => boolean): Promise<RunStep> {
    for await (const event of this.runs.watchRun({ runId })) {
      const step = event.steps.find((one) => one.id === stepId && is(one))
      if (step) return step
    }
    throw new Error(`The run ended before ${stepId} was as it was waited for.`)
  }

  untilStep(runId: string, stepId: string, status: StepStatus): Promise<RunStep> {
    return this.until(runId, stepId, (step) => step.status === status)
  }

  untilReason(runId: string, stepId: string, code: string): Promise<RunStep> {
    return this.until(runId, stepId, (step) => step.reasonInfo?.code === code)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) agent.close()
    await this.driver.stop()
    await this.controller[Symbol.asyncDispose]()
  }
}
