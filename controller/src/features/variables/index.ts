// What other features may use of variables.
export { variablesFeature } from './feature.ts'
export { environmentVariables, inheritedIn, inheritedJson } from './variables.ts'
