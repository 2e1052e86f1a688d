// The sample: a project with one pipeline that needs nothing but an agent.
import type { Project } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { ApiError, api } from '../../api.ts'

const slug = 'sample'
const sampleId = 'hello'

/** Makes it, or finds what is there already; answers the address of its editor. */
export async function openSample(organizationId: string, projectName: string): Promise<string> {
  const project = await sampleProject(organizationId, projectName)
  const pipelineId = await samplePipeline(project.id)
  return `/p/${project.slug}/pipelines/${pipelineId}/edit?start=1`
}

async function sampleProject(organizationId: string, name: string): Promise<Project> {
  const { projects } = await api.projects.listProjects({ organizationId, pageSize: 200 })
  const there = projects.find((project) => project.slug === slug)
  if (there) return there
  const { project } = await api.projects.createProject({ organizationId, name, slug })
  if (!project) throw new ApiError('internal', 'The answer has no project.', {})
  return project
}

async function samplePipeline(projectId: string): Promise<string> {
  const { pipelines } = await api.pipelines.listPipelines({ projectId })
  const there = pipelines.find((pipeline) => pipeline.name === sampleId)
  if (there) return there.id
  const { pipeline } = await api.pipelines.createPipeline({ projectId, name: sampleId, sample: sampleId })
  if (!pipeline) throw new ApiError('internal', 'The answer has no pipeline.', {})
  return pipeline.id
}
