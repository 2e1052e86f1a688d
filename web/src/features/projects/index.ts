// What other features may use of projects: the project a page is in.
export { useProject, useProjectBySlug } from './current-project.ts'
