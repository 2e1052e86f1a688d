// Runs carry their project's slug; people know its name.
import type { Project } from '@ansflow/proto/gen/ansflow/v1/projects_pb'

export type ProjectName = (of: { projectId: string; projectSlug: string }) => string

/** The slug of a project that is not among them, such as the 201st. */
export function projectNames(projects: readonly Project[]): ProjectName {
  const names = new Map(projects.map(({ id, name }) => [id, name]))
  return ({ projectId, projectSlug }) => names.get(projectId) ?? projectSlug
}
