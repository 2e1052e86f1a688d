// Every field of a step, once: from this table follow the reader and the writer of the file, the document, the hash, the JSON
// Schema, the checks, the form, what a comparison says, and the random steps of the tests.
import { ImagePull, OnLost, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { labelProblem } from '../agent-labels.ts'
import { hasExpression } from '../expression.ts'
import { hasControl, limits, patterns } from '../limits.ts'
import { reservedProblem } from '../step-variables.ts'
import { type Performer, performerOf, runsScript } from '../steps/index.ts'
import { say } from '../texts/say.ts'
import { nameSaid, quoted } from '../validate/finding.ts'
import { env } from './env.ts'
import { environment } from './environment.ts'
import { imageProblem } from './image.ts'
import type { Kind, ReportValue } from './kind.ts'
import { choice, condition, duration, flag, text, timeout, timeoutExpression, words } from './kinds.ts'
import { limitedLocks, lockedPerformers, locks } from './locks.ts'
import { matrix } from './matrix.ts'
import { needs } from './needs.ts'
import { reports } from './reports.ts'
import { retry } from './retry.ts'

/** The tab of the form on which it is edited; `top`: above the tabs; `advanced`: on that of the settings, folded away; `none`: with the field before it, which has the same key. */
export type StepTab = 'top' | 'none' | 'settings' | 'advanced' | 'when' | 'matrix' | 'reliability' | 'env'

export interface StepField<M extends keyof StepDefinition = keyof StepDefinition> {
  /** In the file; also its key in the document and the name of its texts in the console. */
  key: string
  /** Another key of the file that means the same; what is written under it stays so. */
  alias?: string
  /** In the message. */
  of: M
  kind: Kind<StepDefinition[M]>
  /** Of the file's key, in English. */
  description: string
  tab: StepTab
  /**
   * `config`: a value of the step's `cfg`. `own`: the document keeps it in a way of its own (edges, `name`, `on`, `env`).
   */
  document: 'config' | 'own'
  /** Who does the steps that it has an effect on; absent: whoever does them. */
  usedBy?: readonly Performer[]
  /** It has an effect on steps of script types only. */
  ofScripts?: true
  /**
   * Written into the text that is hashed even where it says nothing: the fields of before this was left out. New fields have
   * none, so that they change no version's hash.
   */
  hashedAlways?: true
  /** The pipeline's `defaults` may say it for all steps, and a step that uses a template for those of the template. */
  inherited?: true
  /** A step that uses a template may say it, of all of them together. */
  together?: true
}

function field<M extends keyof StepDefinition>(entry: StepField<M>): StepField {
  return entry as unknown as StepField
}

/** In the order of the file. What a step does (`uses`, `with`, `run`, `shell`) stands behind `when` and is no field. */
export const stepFields: readonly StepField[] = [
  field({
    key: 'name',
    of: 'name',
    kind: text({ expressions: 'template' }, checkName),
    description: 'What people see; the id when it is absent.',
    tab: 'top',
    document: 'own',
    hashedAlways: true,
    together: true,
  }),
  field({
    key: 'description',
    of: 'description',
    kind: text({ lines: true }, checkDescription),
    description: 'What the step is for.',
    tab: 'settings',
    document: 'config',
    hashedAlways: true,
    together: true,
  }),
  field({
    key: 'needs',
    of: 'needs',
    kind: needs,
    description: 'Steps that must end first: an id, a list of ids, or { step, on, if }.',
    tab: 'when',
    document: 'own',
    hashedAlways: true,
    together: true,
  }),
  field({
    key: 'when',
    of: 'when',
    kind: condition,
    description:
      'CEL: the step runs if it is true, e.g. inputs.level == "a" && success(), changed("src/**"), hashFiles("Dockerfile") != "".',
    tab: 'when',
    document: 'config',
    hashedAlways: true,
    together: true,
  }),
  field({
    key: 'matrix',
    of: 'matrix',
    kind: matrix,
    description: 'Runs the step once for each combination of the values of its axes, as matrix.<axis> in expressions.',
    tab: 'matrix',
    document: 'config',
  }),
  field({
    key: 'env',
    of: 'env',
    kind: env,
    description: 'Environment variables of this step; values may hold ${{ }}.',
    tab: 'env',
    document: 'own',
    usedBy: ['agent'],
    hashedAlways: true,
    inherited: true,
  }),
  field({
    key: 'secrets',
    of: 'secrets',
    kind: words(checkSecrets),
    description: 'Project secrets the step gets as environment variables.',
    tab: 'env',
    document: 'config',
    usedBy: ['agent', 'controller'],
    hashedAlways: true,
    inherited: true,
  }),
  field({
    key: 'outputs',
    of: 'outputs',
    kind: words(checkOutputs),
    description: 'Names of the values this step sets for others.',
    tab: 'env',
    document: 'config',
    usedBy: ['agent'],
    hashedAlways: true,
  }),
  field({
    key: 'runsOn',
    of: 'runsOn',
    kind: words(checkLabels, 'template'),
    description: 'Labels an agent must have.',
    tab: 'settings',
    document: 'config',
    usedBy: ['agent'],
    hashedAlways: true,
    inherited: true,
  }),
  field({
    key: 'workspace',
    of: 'workspace',
    kind: text({ means: 'shared', expressions: 'template' }, checkWorkspace),
    description: 'Steps with the same workspace share a directory: shared (the default), isolated, or a name.',
    tab: 'settings',
    document: 'config',
    usedBy: ['agent'],
    hashedAlways: true,
    inherited: true,
  }),
  field({
    key: 'image',
    of: 'image',
    kind: text({ expressions: 'template' }, checkImage),
    description: 'The container image that the script runs in, such as node:22. Absent: the host of the agent itself.',
    tab: 'settings',
    document: 'config',
    usedBy: ['agent'],
    ofScripts: true,
    inherited: true,
  }),
  field({
    key: 'pull',
    of: 'pull',
    // Where there are defaults, what is usual means something.
    kind: choice(
      ImagePull,
      { missing: ImagePull.MISSING, always: ImagePull.ALWAYS, never: ImagePull.NEVER },
      { writesUsual: true },
    ),
    description: 'When the image is fetched: missing (the default: when the agent does not have it), always, or never.',
    tab: 'advanced',
    document: 'config',
    usedBy: ['agent'],
    ofScripts: true,
    inherited: true,
  }),
  field({
    key: 'umask',
    of: 'umask',
    kind: text({}, checkUmask),
    description: 'Which rights the files that the step makes do not have, such as 077. 022 when it is absent.',
    tab: 'advanced',
    document: 'config',
    usedBy: ['agent'],
    inherited: true,
  }),
  field({
    key: 'nice',
    of: 'nice',
    kind: text({}, checkNice),
    description: 'How far the step stands back for other processes of its host: 0 (the default) to 19.',
    tab: 'advanced',
    document: 'config',
    usedBy: ['agent'],
    inherited: true,
  }),
  field({
    key: 'reports',
    of: 'reports',
    kind: reports,
    description:
      'Files that are read once the script has ended, also when it has failed: { junit: "**/junit.xml", coverage: coverage/lcov.info }.',
    tab: 'settings',
    document: 'config',
    usedBy: ['agent'],
    ofScripts: true,
    inherited: true,
  }),
  field({
    key: 'locks',
    of: 'locks',
    kind: locks,
    description:
      'Locks by name, or { name, limit }: no more steps of the project than that (1 unless said) have one at once. Names may hold ${{ }}.',
    tab: 'settings',
    document: 'config',
    usedBy: lockedPerformers,
  }),
  field({
    key: 'locks',
    of: 'limitedLocks',
    kind: limitedLocks,
    description:
      'Locks by name, or { name, limit }: no more steps of the project than that (1 unless said) have one at once. Names may hold ${{ }}.',
    tab: 'none',
    document: 'config',
    usedBy: lockedPerformers,
  }),
  field({
    key: 'environment',
    of: 'environment',
    kind: environment,
    description:
      'What the step deploys to: an environment of the project by name, or { name, url }. It has its variables and secrets.',
    tab: 'settings',
    document: 'config',
    usedBy: lockedPerformers,
  }),
  field({
    key: 'timeout',
    of: 'timeoutMs',
    kind: timeout,
    description: 'The longest one attempt may take, such as 10m.',
    tab: 'reliability',
    document: 'config',
    hashedAlways: true,
    inherited: true,
  }),
  field({
    key: 'timeout',
    of: 'timeoutExpression',
    kind: timeoutExpression,
    description: 'The longest one attempt may take, such as 10m.',
    tab: 'none',
    document: 'config',
    inherited: true,
  }),
  field({
    key: 'queueTimeout',
    of: 'queueTimeoutMs',
    kind: duration,
    description: 'The longest an attempt may wait for its locks and an agent, such as 30m; then it ends as failed.',
    tab: 'reliability',
    document: 'config',
    usedBy: ['agent'],
  }),
  field({
    key: 'retry',
    of: 'retry',
    kind: retry,
    description: 'Try again after a failure: a number of retries, or { max, delay, backoff, jitter, on }.',
    tab: 'reliability',
    document: 'config',
    usedBy: ['agent', 'controller'],
    hashedAlways: true,
    inherited: true,
  }),
  field({
    key: 'allowFailure',
    alias: 'continueOnError',
    of: 'allowFailure',
    kind: flag,
    description: 'A failure of this step counts as success for the steps that need it.',
    tab: 'reliability',
    document: 'config',
    hashedAlways: true,
  }),
  field({
    key: 'onLost',
    of: 'onLost',
    kind: choice(OnLost, { fail: OnLost.FAIL, retry: OnLost.RETRY }),
    description: 'What happens when the agent is lost: fail (the default) or retry.',
    tab: 'reliability',
    document: 'config',
    usedBy: ['agent'],
    hashedAlways: true,
  }),
  field({
    key: 'disabled',
    of: 'disabled',
    kind: flag,
    description: 'A disabled step is skipped.',
    tab: 'top',
    document: 'own',
    hashedAlways: true,
    together: true,
  }),
]

/** Whether the field says anything of a step of this type. Expressions read variables, whoever does the step. */
export function hasEffect({ usedBy, ofScripts, inherited, together }: StepField, uses: string): boolean {
  if (performerOf(uses) === 'steps') return inherited === true || together === true
  if (ofScripts && !runsScript(uses)) return false
  return usedBy === undefined || usedBy.includes(performerOf(uses))
}

/** What a step does: `run` and `shell` in the file stand for parts of `with`. */
export const actionFields: readonly (keyof StepDefinition)[] = ['uses', 'with']

/** What is no field: the step's key in the file, and the canvas. */
export const identityFields: readonly (keyof StepDefinition)[] = ['id', 'nodeId', 'position']

/** Those that `defaults` may say. */
export const inheritedFields = stepFields.filter(({ inherited }) => inherited)

/** Those that are values of the step's `cfg` in the document. */
export const configFields = stepFields.filter(({ document }) => document === 'config')

function checkName(name: string, report: ReportValue): void {
  if (name.length <= limits.nameLength && !hasControl(name)) return
  report({ code: 'name', said: say('step_name', { most: limits.nameLength }) })
}

export function checkDescription(description: string, report: ReportValue): void {
  if (description.length <= limits.descriptionLength) return
  report({ code: 'limit', said: say('description_long', { most: limits.descriptionLength }) })
}

function checkWorkspace(workspace: string, report: ReportValue): void {
  if (workspace === '' || hasExpression(workspace) || patterns.workspace.test(workspace)) return
  report({ said: say('workspace', quoted(workspace)) })
}

function checkImage(image: string, report: ReportValue): void {
  const said = image === '' || hasExpression(image) ? undefined : imageProblem(image)
  if (said !== undefined) report({ said })
}

function checkUmask(umask: string, report: ReportValue): void {
  if (umask !== '' && !/^[0-7]{3,4}$/.test(umask)) report({ said: say('umask', quoted(umask)) })
}

function checkNice(nice: string, report: ReportValue): void {
  if (nice !== '' && !/^1?\d$/.test(nice)) report({ said: say('nice', quoted(nice)) })
}

function checkLabels(labels: readonly string[], report: ReportValue): void {
  const said = labels
    .map((label) => (hasExpression(label) ? undefined : labelProblem(label)))
    .find((problem) => problem !== undefined)
  if (said !== undefined) report({ said })
  checkCount(labels, limits.labelsOfAStep, 'labels', report)
}

function checkSecrets(secrets: readonly string[], report: ReportValue): void {
  const wrong = secrets.find((each) => !patterns.identifier.test(each))
  if (wrong !== undefined) report({ code: 'secret_name', said: nameSaid('secret_name', wrong) })
  const reserved = secrets.map((name) => reservedProblem(name, { secret: 'true' })).find((each) => each !== undefined)
  if (reserved !== undefined) report({ said: reserved })
  checkCount(secrets, limits.secretsOfAStep, 'secrets', report)
}

function checkOutputs(outputs: readonly string[], report: ReportValue): void {
  const wrong = outputs.find((each) => !patterns.identifier.test(each))
  if (wrong !== undefined) report({ code: 'output_name', said: nameSaid('output_name', wrong) })
  checkCount(outputs, limits.outputsOfAStep, 'outputs', report)
}

function checkCount(words: readonly string[], most: number, noun: string, report: ReportValue): void {
  if (words.length > most) report({ code: 'limit', said: say('many_words', { most, noun }) })
}
