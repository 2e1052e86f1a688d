// A session over a scripted pipe, with rows that a test can change and a database that can be away.
import type { RunEvent } from '@ansflow/engine/state'
import { ControlRequestSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { HostFactsSchema } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { manualClock } from '../../../platform/clock.ts'
import { createLog } from '../../../platform/log.ts'
import { AgentSession } from '../agent-session.ts'
import type { KnownAgent } from '../agent-tables.ts'
import type { ControlInit } from '../holding-session.ts'
import type { Applied, HeldJob, KnownJob } from '../job-book.ts'

export function world(held: HeldJob[] = []) {
  const clock = manualClock()
  const sent: ControlInit[] = []
  const submitted: RunEvent[] = []
  const calls = { free: 0, left: 0, closed: 0 }
  const state = {
    /** The next so many stores fail. */
    failing: 0,
    answer: 'applied' as Applied,
    superseded: false,
    missing: [] as string[],
    refused: undefined as string | undefined,
    /** What the rows say of a job that is not held. */
    known: null as KnownJob | null,
    cancels: [] as { jobId: string; epoch: number }[],
    /** Jobs of the rows that another session has offered since. */
    strange: [] as HeldJob[],
    /** The next so many reads of secrets fail. */
    unreadable: 0,
  }
  const agent: KnownAgent = {
    id: 'agent',
    organizationId: 'o',
    name: 'agent',
    reported: [],
    capabilities: ['shell'],
    slots: 1,
    version: '',
    host: create(HostFactsSchema),
    load: null,
    draining: false,
    takesUntrusted: false,
    sessionId: '',
    instances: '',
    instanceSince: null,
    doubledAt: null,
    leftAt: null,
    lastSeenAt: null,
    registeredAt: clock.now(),
  }
  const session = new AgentSession(
    {
      clock,
      log: createLog('silent'),
      lostAfterMs: 30_000,
      jobs: {
        heldBy: async () =>
          [...held, ...state.strange]
            .map((job) => ({ ...job, cancelRequested: false }))
            .concat(
              state.cancels.map((job) => ({
                ...job,
                runId: 'run',
                phase: 'offered',
                offeredAt: new Date(0),
                cancelRequested: true,
              })),
            ),
        find: async () => state.known,
        async submit(_runId, event) {
          if (state.failing-- > 0) throw new Error('the database is away')
          submitted.push(event)
          return state.answer
        },
        secrets: async () => {
          if (state.unreadable-- > 0) throw new Error('the database is away')
          const { missing, refused } = state
          return { values: [{ name: 'A', value: 'v', env: true }], missing, ...(refused !== undefined && { refused }) }
        },
      },
      agents: {
        claim: async (_agentId, sessionId) => ({ ...agent, sessionId }),
        seen: async () => !state.superseded,
        async ended(_agentId, _sessionId, leaves) {
          if (leaves) calls.left++
        },
      },
      onSpeaks: () => undefined,
      onFree: () => void calls.free++,
      onReady: () => undefined,
      onJobs: () => undefined,
      onClosed: () => void calls.closed++,
    },
    'agent',
    { send: (message) => void sent.push(message), close: () => undefined },
  )
  const say = (kind: NonNullable<MessageInitShape<typeof ControlRequestSchema>['kind']>) =>
    session.onMessage(create(ControlRequestSchema, { kind }))
  return { clock, sent, submitted, calls, state, agent, session, say }
}
