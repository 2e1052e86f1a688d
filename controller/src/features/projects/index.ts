// What other features may use of projects.
export type { ProjectDeletion } from './delete-project.ts'
export { type Project, ProjectEntity } from './project.entity.ts'
export { projectScope } from './project-scope.ts'
export { projectsApi } from './projects.api.ts'
