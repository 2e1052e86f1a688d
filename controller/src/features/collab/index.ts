// What others may use of collab.
export { collabFeature } from './feature.ts'
