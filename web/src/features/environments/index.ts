// What other features may use of environments.
export { default as DeploymentLinks } from './DeploymentLinks.vue'
export { default as ScopePicker } from './ScopePicker.vue'
