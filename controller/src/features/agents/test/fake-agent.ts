// An agent for tests: the real gRPC client, and only what the test tells it to say.
import {
  AgentLinkService,
  type ControlRequestSchema,
  type ControlResponse,
  type HelloSchema,
  type JobRef,
  type LogsRequestSchema,
  type LogsResponse,
  Outcome,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { type GrpcClient, grpcClient } from '../../../../test/grpc-client.ts'

type Kind = NonNullable<ControlResponse['kind']['case']>
type Said<K extends Kind> = Extract<ControlResponse['kind'], { case: K }>['value']
type ControlInit = NonNullable<MessageInitShape<typeof ControlRequestSchema>['kind']>

/** One control stream. */
export class FakeControl {
  readonly heard: ControlResponse['kind'][] = []
  /** What ended the stream; undefined while it is open. */
  ended: { error: (Error & { code?: number }) | null } | undefined
  readonly #call
  #wake: (() => void)[] = []

  constructor(client: GrpcClient<typeof AgentLinkService>) {
    this.#call = client.control()
    void this.#read()
  }

  async #read(): Promise<void> {
    let error: Error | null = null
    try {
      for await (const { kind } of this.#call.messages) {
        this.heard.push(kind)
        this.#changed()
      }
    } catch (cause) {
      error = cause as Error
    }
    this.ended = { error }
    this.#changed()
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  say(kind: ControlInit): void {
    this.#call.send({ kind })
  }

  hello(hello: MessageInitShape<typeof HelloSchema> = {}): Promise<Said<'welcome'>> {
    this.say({ case: 'hello', value: { capabilities: ['shell', 'checkout'], slots: 2, version: '0.1.0', ...hello } })
    return this.hear('welcome')
  }

  /** The first message of this kind that was not heard before. */
  async hear<K extends Kind>(kind: K): Promise<Said<K>> {
    for (;;) {
      const index = this.heard.findIndex((message) => message.case === kind)
      if (index >= 0) return this.heard.splice(index, 1)[0]?.value as Said<K>
      if (this.ended) throw new Error(`The stream ended before a ${kind}: ${this.ended.error?.message ?? 'no error'}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  async end(): Promise<{ error: (Error & { code?: number }) | null }> {
    for (;;) {
      if (this.ended) return this.ended
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  /** Takes the next offer up to its start, be that the offer itself. */
  async take(): Promise<{ job: JobRef; stepId: string; stepName: string; secrets: Said<'start'>['secrets'] }> {
    const { job, spec, start: isStart, secrets } = await this.hear('offer')
    if (!job || !spec) throw new Error('An offer without a job.')
    if (isStart) return { job, stepId: spec.stepId, stepName: spec.stepName, secrets }
    this.say({ case: 'accept', value: { job } })
    const start = await this.hear('start')
    return { job, stepId: spec.stepId, stepName: spec.stepName, secrets: start.secrets }
  }

  /** Says that it has succeeded, and waits until that is stored. */
  async succeed(job: JobRef): Promise<void> {
    this.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED } })
    await this.hear('finishedAck')
  }

  cut(): void {
    this.#call.cancel()
  }

  close(): void {
    this.#call.end()
  }
}

export class FakeLogs {
  /** About jobs. */
  readonly answers: LogsResponse[] = []
  readonly #call
  #wake: (() => void)[] = []
  #ended = false

  constructor(client: GrpcClient<typeof AgentLinkService>) {
    this.#call = client.logs()
    void this.#read()
  }

  async #read(): Promise<void> {
    try {
      for await (const answer of this.#call.messages) {
        if (answer.job) this.answers.push(answer)
        for (const wake of this.#wake.splice(0)) wake()
      }
    } catch {
      // The test sees it by what is missing.
    }
    this.#ended = true
    for (const wake of this.#wake.splice(0)) wake()
  }

  send(message: MessageInitShape<typeof LogsRequestSchema>): void {
    this.#call.send(message)
  }

  async answer(when: (answer: LogsResponse) => boolean): Promise<LogsResponse> {
    for (;;) {
      const found = this.answers.find(when)
      if (found) return found
      if (this.#ended) throw new Error('The log stream ended.')
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  cut(): void {
    this.#call.cancel()
  }
}

export interface FakeAgent {
  id: string
  secret: string
  control(): FakeControl
  logs(): FakeLogs
  close(): void
}

export async function registerFakeAgent(
  grpcAddress: string,
  token: string,
  name = 'fake',
  labels: string[] = [],
): Promise<FakeAgent> {
  const registering = grpcClient(AgentLinkService, grpcAddress)
  const { agentId, agentSecret } = await registering.client
    .register({ token, name, labels, slots: 2, version: '0.1.0' })
    .finally(() => registering.close())
  const link = grpcClient(AgentLinkService, grpcAddress, agentSecret)
  return {
    id: agentId,
    secret: agentSecret,
    control: () => new FakeControl(link.client),
    logs: () => new FakeLogs(link.client),
    close: link.close,
  }
}
