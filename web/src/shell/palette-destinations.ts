// What the palette can jump to beyond the sections: the projects and the pipelines of the first of them.
import { api } from '../api.ts'

export interface Destination {
  kind: 'project' | 'pipeline'
  name: string
  /** The project a pipeline is in. */
  within: string
  to: string
}

const projectsSearched = 30

export async function loadDestinations(signal: AbortSignal): Promise<Destination[]> {
  const { projects } = await api.projects.listProjects({ pageSize: 200 }, { signal })
  const places: Destination[] = projects.map((project) => ({
    kind: 'project',
    name: project.name,
    within: '',
    to: `/p/${project.slug}`,
  }))
  const lists = await Promise.all(
    projects.slice(0, projectsSearched).map(async (project) => {
      const { pipelines } = await api.pipelines.listPipelines({ projectId: project.id, pageSize: 200 }, { signal })
      return pipelines.map<Destination>((pipeline) => ({
        kind: 'pipeline',
        name: pipeline.name,
        within: project.name,
        to: `/p/${project.slug}/pipelines/${pipeline.id}/edit`,
      }))
    }),
  )
  return [...places, ...lists.flat()]
}
