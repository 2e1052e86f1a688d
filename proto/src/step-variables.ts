// Owns which environment variables of a step are not the pipeline's to set: one list for publishing and for the agent.
import { type Said, say } from './texts/say.ts'

/** What the controller tells each step about its run. */
export const runVariables = [
  'ANSFLOW',
  'ANSFLOW_ATTEMPT',
  'ANSFLOW_PIPELINE',
  'ANSFLOW_PROJECT',
  'ANSFLOW_RUN_ID',
  'ANSFLOW_RUN_NUMBER',
  'ANSFLOW_STARTED_BY',
  'ANSFLOW_STEP',
  'ANSFLOW_VERSION',
  'CI_PIPELINE_NAME',
  'CI_PIPELINE_NUMBER',
  'CI_STEP_NAME',
  'CI_SYSTEM_NAME',
] as const
export type RunVariable = (typeof runVariables)[number]

/** What the agent tells it about its places. */
export const hostVariables = [
  'ANSFLOW_ENV',
  'ANSFLOW_JOB_ID',
  'ANSFLOW_OUTPUT',
  'ANSFLOW_PATH',
  'ANSFLOW_STEP_ID',
  'ANSFLOW_SUMMARY',
  'ANSFLOW_WORKSPACE',
  'CI_ENV',
  'CI_OUTPUT',
  'CI_PATH',
  'CI_SUMMARY',
  'CI_WORKSPACE',
  'GITHUB_ENV',
  'GITHUB_OUTPUT',
  'GITHUB_PATH',
  'GITHUB_STEP_SUMMARY',
  'TMPDIR',
] as const
export type HostVariable = (typeof hostVariables)[number]

/** A shell refuses to set them at all. */
export const readOnlyVariables = ['BASHOPTS', 'BASH_VERSINFO', 'EUID', 'PPID', 'SHELLOPTS', 'UID'] as const

/** A shell sets them itself when it starts, whatever it was given. */
const startVariables = ['IFS', 'OLDPWD', 'OPTIND', 'PWD', 'SHLVL', '_'] as const

const own = new Set<string>([...runVariables, ...hostVariables])
const ofShells = new Set<string>([...readOnlyVariables, ...startVariables])

/** Why a step cannot be given a variable, or a secret, of this name. */
export function reservedProblem(name: string, what: { secret?: 'true' } = {}): Said | undefined {
  if (own.has(name) || /^ANSFLOW_VALUE_\d+$/.test(name)) return say('env_reserved', { name, by: 'ansflow', ...what })
  if (ofShells.has(name)) return say('env_reserved', { name, by: 'shell', ...what })
  return undefined
}

/** Values of env are taken as they are: a folder whose name holds a $ is what nobody means. */
export function pathProblem(name: string, value: string): Said | undefined {
  const variable = name === 'PATH' ? /\$\{?\w+\}?/.exec(value.replaceAll(/\$\{\{.*?\}\}/g, ''))?.[0] : undefined
  return variable === undefined ? undefined : say('env_path', { variable })
}
