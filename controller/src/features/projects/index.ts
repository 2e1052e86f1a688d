// What other features may use of projects.
export type { ProjectDeletion } from './delete-project.ts'
export { projectsFeature } from './feature.ts'
export { findProject, findProjectBySlug, findProjects, organizationOfProject } from './find-project.ts'
export type { JobLimitBook } from './job-limits.ts'
export { type Project, ProjectEntity } from './project.entity.ts'
