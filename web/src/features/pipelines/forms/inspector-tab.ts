// Which part of the inspector holds a field, so that a problem leads to its place.
import { type StepTab, stepFields } from '@ansflow/proto/fields/step-fields'
import { paramOf, stepType } from '@ansflow/proto/steps/index'

export type InspectorTab = Exclude<StepTab, 'top' | 'none' | 'advanced'> | 'output'

/** `field` as a problem names it, of a step of the type `uses`. */
export function tabOf(field: string, uses: string): InspectorTab {
  const [first = '', param = ''] = field.split(/[.[]/)
  if (first === 'with') return paramOf(stepType(uses), param)?.['x-tab'] ?? 'settings'
  const tab = stepFields.find(({ key }) => key === first)?.tab
  return tab === undefined || tab === 'top' || tab === 'none' || tab === 'advanced' ? 'settings' : tab
}

/** The inspector's name of a parameter: its own, unless a field of every step has that. */
export function paramPath(name: string): string {
  return stepFields.some(({ key }) => key === name) ? `with.${name}` : name
}

/** The inspector's names of where a problem's field may be edited, the nearest first. */
export function pathsOf(field: string): string[] {
  const parts = field.split(/[.[]/)
  if (parts[0] === 'with') return parts[1] ? [paramPath(parts[1])] : []
  return [parts.slice(0, 2).join('.'), parts[0] ?? '']
}
