// What other features may use of environments.
export { default as ScopePicker } from './ScopePicker.vue'
