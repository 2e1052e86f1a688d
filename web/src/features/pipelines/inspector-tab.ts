// Which part of the inspector holds a field, so that a problem leads to its place.
export type InspectorTab = 'settings' | 'when' | 'reliability' | 'env' | 'output'

export function tabOf(field: string): InspectorTab {
  if (field === 'when' || field.startsWith('needs')) return 'when'
  if (/^(retry|timeout|onLost|allowFailure)/.test(field)) return 'reliability'
  return /^(env|secrets|outputs)/.test(field) ? 'env' : 'settings'
}

/** The inspector's name of a field: parameters stand there without the word they have in the file. */
export function fieldOf(field: string): string {
  return field.replace(/^with\./, '').replace(/[.[].*$/, '')
}
