// How far a new installation is, asked from what is there: projects, versions, runs, people, agents.
import { RunStatus } from '@ansflow/proto/status'
import { api } from '../../api.ts'
import type { useSession } from '../../session.ts'

export interface StartItem {
  id: 'project' | 'repository' | 'run' | 'publish' | 'invite' | 'agent'
  done: boolean
  to: string
}

const projectsAsked = 10

export async function loadProgress(session: ReturnType<typeof useSession>, signal: AbortSignal): Promise<StartItem[]> {
  const { organizationId } = session
  const [{ projects }, { runs }, members, agents] = await Promise.all([
    api.projects.listProjects({ pageSize: 200 }, { signal }),
    api.runs.listRuns({ pageSize: 1, statuses: [RunStatus.SUCCEEDED] }, { signal }),
    session.can('member.manage') ? api.members.listMembers({ organizationId }, { signal }) : undefined,
    session.can('agent.manage') ? api.agents.listAgents({ organizationId }, { signal }) : undefined,
  ])
  const lists = await Promise.all(
    projects
      .slice(0, projectsAsked)
      .map((project) => api.pipelines.listPipelines({ projectId: project.id, pageSize: 200 }, { signal })),
  )
  const published = lists.some(({ pipelines }) => pipelines.some((pipeline) => pipeline.latestVersion > 0))
  const kept = lists.some(({ pipelines }) => pipelines.some((pipeline) => pipeline.repositoryId !== ''))
  const first = projects[0]
  const firstPage = first ? `/p/${first.slug}` : '/p'
  return [
    { id: 'project', done: projects.length > 0, to: '/p' },
    ...(first && session.can('repository.manage', first.id)
      ? [{ id: 'repository' as const, done: kept, to: `${firstPage}/repositories` }]
      : []),
    { id: 'run', done: runs.length > 0, to: firstPage },
    { id: 'publish', done: published, to: firstPage },
    // Only for those who can do it.
    ...(members
      ? [
          {
            id: 'invite' as const,
            done: members.members.length + members.invitations.length > 1,
            to: '/settings/members',
          },
        ]
      : []),
    ...(agents ? [{ id: 'agent' as const, done: agents.agents.length > 1, to: '/agents' }] : []),
  ]
}
