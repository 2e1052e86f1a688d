// Agents: their sessions, the dispatcher that gives them jobs, and the loops beside.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { type From, feature, type Platform, port } from '../../feature.ts'
import { agentProgram } from '../../product-files.ts'
import { authFeature } from '../auth/index.ts'
import { LogStream, type LogStreamDeps, logsFeature } from '../logs/index.ts'
import { oldestOrganization } from '../organizations/index.ts'
import { pipelinesFeature } from '../pipelines/index.ts'
import { projectsFeature } from '../projects/index.ts'
import { type JobLog, runsFeature } from '../runs/index.ts'
import { secretsFeature } from '../secrets/index.ts'
import { AgentEntity } from './agent.entity.ts'
import { createAgentBook } from './agent-book.ts'
import { agentDownload } from './agent-download.routes.ts'
import { createAgentHub } from './agent-hub.ts'
import { AgentLabelEntity } from './agent-label.entity.ts'
import { agentLinkApi } from './agent-link.api.ts'
import type { SessionDeps } from './agent-session.ts'
import { agentLabels, agentTables, type KnownAgent, keepersAmong } from './agent-tables.ts'
import { agentTopics } from './agent-topics.ts'
import { agentViews } from './agent-views.ts'
import { agentScope, agentsApi } from './agents.api.ts'
import { giveUpStranded } from './delete-agent.ts'
import { createDispatcher } from './dispatcher.ts'
import { createGivenAccess, givenSweepMs } from './given-access.ts'
import { createLostSweep, lostSweepMs } from './lost-agents.ts'
import { makeRegistrationToken, registrationTokensMadeByTokens } from './register.ts'
import { RegistrationTokenEntity } from './registration-token.entity.ts'
import { createJobBook, createJobQueue, jobSecrets, type RepositoryAccess } from './run-jobs.ts'
import { createSilenceSweep } from './silent-agents.ts'

/** What is dispatched without being told of: after a lost message, or by another controller. */
const dispatchSweepMs = 2000
/** Pages that show agents hear of their jobs this often at most. */
const tellJobsMs = 250

export const agentsFeature = feature({
  name: 'agents',
  entities: [AgentEntity, AgentLabelEntity, RegistrationTokenEntity],
  async open(platform, from) {
    const { localAgentToken } = platform.config
    if (localAgentToken !== undefined) await welcomeLocalAgent(platform, localAgentToken)
    return openAgents(platform, from)
  },
})

function openAgents({ db, bus, clock, keys, log, config, grpcAddress }: Platform, from: From) {
  const { lostAfterMs } = config
  const { driver, placement, keepers } = from(runsFeature)
  const { jobLimits } = from(projectsFeature)
  const secrets = from(secretsFeature)
  const logs = from(logsFeature)
  const hub = createAgentHub({ db, bus, log })
  const repositoryAccess = port<RepositoryAccess>('access to repositories')
  const givenAccess = createGivenAccess({ db, sealedValues: secrets.sealedValues })
  const access: RepositoryAccess = (asked) => repositoryAccess()(asked)
  const given = { db, secrets, access, note: givenAccess.note }
  const jobs = createJobBook({ ...given, driver })
  const queue = createJobQueue({ db, clock, log, driver, limits: jobLimits })
  const dispatcher = createDispatcher({ queue, sessions: hub.sessions, clock, log })
  const session: SessionDeps = {
    clock,
    log,
    jobs,
    agents: createAgentBook({ db, bus, clock, log }),
    lostAfterMs,
    onSpeaks: hub.add,
    onReady: ({ agent }) => agent && dispatcher.wake(agent.organizationId),
    onFree: ({ agent }) => agent && dispatcher.freed(agent.organizationId),
    onJobs: ({ agent }) => agent && tellJobs(agent),
    onClosed: (closed) => hub.remove(closed),
  }
  const telling = new Set<string>()
  const tellJobs = ({ id: agentId, organizationId }: KnownAgent) => {
    if (telling.has(agentId)) return
    telling.add(agentId)
    clock.setTimer(tellJobsMs, () => {
      telling.delete(agentId)
      bus.publish('agent.changed', { agentId, organizationId })
    })
  }
  const secretsOf = async ({ jobId, hasSecrets }: JobLog) => {
    if (!hasSecrets) return []
    // A forge may make what lets into a repository anew whenever it is asked: another than what the job was given.
    const { values } = await jobSecrets({ ...given, access: async () => undefined }, jobId)
    return values.flatMap(({ value }) => value ?? [])
  }
  const whole: LogStreamDeps['whole'] = async ({ runId, jobId, size, hasAccess }) => {
    await driver.submit(runId, { type: 'jobLogged', jobId, size })
    if (hasAccess) await givenAccess.forget(jobId)
  }
  const lostSweep = createLostSweep({ db, bus, clock, log, jobs, lostAfterMs })
  const silenceSweep = createSilenceSweep({ db, clock, jobs, lostAfterMs })
  const topics = agentTopics({ db, bus, clock, log, lostAfterMs })
  const endQueued = bus.subscribe('job.queued', ({ organizationId }) => dispatcher.wake(organizationId))
  const endFreed = bus.subscribe('project.freed', ({ organizationId }) => dispatcher.freed(organizationId))
  jobLimits.changed(dispatcher.wake)

  const { agentBySecret, registrationTokens } = from(authFeature)
  agentBySecret.fill(async (secretHash) => {
    const row = await agentTables(db)
      .selectFrom('agent')
      .select(['id', 'organization_id'])
      .where('secret_hash', '=', secretHash)
      .executeTakeFirst()
    return row && { agentId: row.id, organizationId: row.organization_id }
  })
  registrationTokens.fill(registrationTokensMadeByTokens)
  logs.lostAmong.fill(lostSweep.lostAmong)
  placement.fill(dispatcher.place)
  keepers.fill((agentIds) => keepersAmong(db, agentIds))
  from(pipelinesFeature).agentLabels.fill((organizationId) => agentLabels(db, organizationId))

  return {
    services: [
      agentLinkApi({
        db,
        bus,
        clock,
        keys,
        hub,
        session,
        logStream: (agentId, pipe) =>
          new LogStream(
            { db, writer: logs.writer, clock, log, secretsOf, given: givenAccess.news, whole },
            agentId,
            pipe,
          ),
      }),
      agentsApi({ db, bus, clock, keys, jobs, lostAfterMs, grpcAddress }),
    ],
    routes: [agentDownload(agentProgram)],
    topics: topics.topics,
    loops: [
      { name: 'dispatch', everyMs: dispatchSweepMs, run: dispatcher.sweep },
      { name: 'lost agents', everyMs: lostSweepMs, run: lostSweep },
      { name: 'silent agents', everyMs: lostSweepMs, run: silenceSweep },
      { name: 'access of jobs', everyMs: givenSweepMs, run: givenAccess.sweep },
      { name: 'deleted agents', everyMs: lostSweepMs, run: () => giveUpStranded({ db, jobs }) },
    ],
    scopes: { [Resource.AGENT]: agentScope },
    gives: {
      agentViews: (organizationId: string) => agentViews({ db, clock, lostAfterMs }, organizationId),
      repositoryAccess,
    },
    async stop() {
      endQueued()
      endFreed()
      hub.stop()
      topics.stop()
      await dispatcher.stop()
    },
  }
}

/** The agent that npm start puts beside the controller registers by this token, before there is anybody who could invite it. */
async function welcomeLocalAgent({ db, clock, keys }: Platform, token: string): Promise<void> {
  await db.transaction(async (em) => {
    const organization = await oldestOrganization(em, 'AnsFlow', clock.now())
    await makeRegistrationToken(em, { clock, keys }, { organizationId: organization.id }, token)
  })
}
