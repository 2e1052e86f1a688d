// The agents' door: registration, and the two streams handed to sessions.
import { unauthenticated } from '@ansflow/proto/errors'
import {
  AgentLinkService,
  type ControlRequest,
  type ControlResponseSchema,
  type LogsRequest,
  type LogsResponseSchema,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { type CallContext, type ServiceTable, serviceTable } from '../../transport/call.ts'
import type { LogPipe, LogStream } from '../logs/index.ts'
import type { AgentHub } from './agent-hub.ts'
import { AgentSession, type SessionDeps } from './agent-session.ts'
import { type RegistrationDeps, registerAgent } from './register.ts'
import { runPipe, type StreamPipe } from './stream-pipe.ts'

export interface AgentLinkDeps extends RegistrationDeps {
  hub: AgentHub
  session: SessionDeps
  /** A log stream of this agent. */
  logStream(agentId: string, pipe: LogPipe): LogStream
}

type LogsInit = MessageInitShape<typeof LogsResponseSchema>
type ControlInit = MessageInitShape<typeof ControlResponseSchema>

export function agentLinkApi(deps: AgentLinkDeps): ServiceTable {
  return serviceTable(
    AgentLinkService,
    { register: (request, ctx) => registerAgent(deps, ctx.change, request) },
    {
      control: (stream, ctx) =>
        runPipe<ControlRequest, ControlInit>(stream, ctx.signal, (pipe) => {
          const session = new AgentSession(deps.session, agentOf(ctx), {
            send: (kind) => pipe.send({ kind }),
            close: pipe.close,
          })
          return session
        }),
      logs: (stream, ctx) =>
        runPipe<LogsRequest, LogsInit>(stream, ctx.signal, (pipe) => openLogs(deps, agentOf(ctx), pipe), answerKey),
    },
  )
}

function openLogs({ hub, logStream }: AgentLinkDeps, agentId: string, pipe: StreamPipe<LogsInit>) {
  const logs = logStream(agentId, pipe)
  const remove = hub.addLogs(agentId, pipe.close)
  return {
    onMessage: (message: LogsRequest) => logs.onMessage(message),
    onClose() {
      remove()
      logs.onClose()
    },
  }
}

/** Of two answers for one job, the newer says it all. */
function answerKey({ job, stale }: LogsInit): string {
  return `${job?.jobId} ${stale ?? false}`
}

function agentOf(ctx: CallContext): string {
  if (ctx.caller.kind !== 'agent') throw unauthenticated()
  return ctx.caller.agentId
}
