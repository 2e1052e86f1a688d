// What other features may use of pipelines.
export { default as StartRunDialog } from './StartRunDialog.vue'
