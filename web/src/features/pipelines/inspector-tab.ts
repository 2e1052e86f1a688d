// Which part of the inspector holds a field, so that a problem leads to its place.
import { type StepTab, stepFields } from '@ansflow/proto/fields/step-fields'

export type InspectorTab = Exclude<StepTab, 'top'> | 'output'

export function tabOf(field: string): InspectorTab {
  const tab = stepFields.find(({ key }) => key === fieldOf(field))?.tab
  return tab === undefined || tab === 'top' ? 'settings' : tab
}

/** The inspector's name of a field: parameters stand there without the word they have in the file. */
export function fieldOf(field: string): string {
  return field.replace(/^with\./, '').replace(/[.[].*$/, '')
}
