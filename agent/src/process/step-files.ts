// Owns which files a step gets to write what it tells: their names in its folder, and the variables by which it finds them. They are there
// from its start, because programs made for other systems ask for that.
import type { HostVariable } from '@ansflow/proto/step-variables'

export const stepFiles = {
  output: ['ANSFLOW_OUTPUT', 'CI_OUTPUT', 'GITHUB_OUTPUT'],
  env: ['ANSFLOW_ENV', 'CI_ENV', 'GITHUB_ENV'],
  path: ['ANSFLOW_PATH', 'CI_PATH', 'GITHUB_PATH'],
  summary: ['ANSFLOW_SUMMARY', 'CI_SUMMARY', 'GITHUB_STEP_SUMMARY'],
} as const satisfies Record<string, readonly HostVariable[]>

export type StepFile = keyof typeof stepFiles
export type FileVariable = (typeof stepFiles)[StepFile][number]

export const stepFileNames = Object.keys(stepFiles) as StepFile[]

export function fileVariables(pathOf: (name: StepFile) => string): Record<FileVariable, string> {
  const entries = stepFileNames.flatMap((name) => stepFiles[name].map((variable) => [variable, pathOf(name)]))
  return Object.fromEntries(entries) as Record<FileVariable, string>
}
