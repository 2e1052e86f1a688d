// What other features may use of projects: the project a page is in, and the sample.
export { useProject, useProjectBySlug } from './current-project.ts'
export { openSample } from './sample.ts'
export { slugOf } from './slug.ts'
