// The parts of the editor that are loaded when they are first opened. Without a network they could not be; so they are fetched
// while there is one and nothing else to do.
const whenIdle = (work: () => void) =>
  'requestIdleCallback' in window ? requestIdleCallback(work, { timeout: 5000 }) : setTimeout(work, 2000)

export function fetchOfflineParts(): void {
  whenIdle(() => {
    const parts = [
      () => import('./inspector/fields/ScriptField.vue'),
      () => import('./yaml/YamlPane.vue'),
      () => import('./list/StepListView.vue'),
      () => import('./canvas/ConnectDialog.vue'),
      () => import('./ShortcutSheet.vue'),
    ]
    // One that fails now is asked for again when it is opened.
    for (const part of parts) void part().catch(() => undefined)
  })
}
