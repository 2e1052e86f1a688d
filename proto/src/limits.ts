// The limits of a pipeline, in one place: what the file may hold and how much work an expression may do.

export const limits = {
  fileBytes: 1024 * 1024,
  /** Words, signs, spaces and line breaks, as YAML cuts a text: reading one that is nothing else would take seconds. */
  fileTokens: 500_000,
  /** Levels of lists or maps inside each other. */
  fileDepth: 64,
  /** Problems reported of one file; more would help nobody. */
  problems: 1000,
  nameLength: 128,
  descriptionLength: 4096,
  steps: 10_000,
  needsOfAStep: 1000,
  templates: 200,
  /** Of a file; and how deep included files include others. */
  includes: 50,
  includeDepth: 5,
  /** Characters of the path of an included file. */
  includePath: 255,
  /** Files and versions that a pipeline includes by all ways together, the templates that they bring, and their UTF-8 bytes. */
  includedSources: 100,
  includedTemplates: 1000,
  includedBytes: 1024 * 1024,
  /** Characters, with those of the templates that a step stands in. */
  stepKey: 64,
  /** Templates inside each other. */
  templateDepth: 5,
  /** Of all steps together, where templates are written out: a file cannot say as many, but templates multiply. */
  templateNeeds: 200_000,
  /** The same, of characters. */
  templateSize: 16 * 1024 * 1024,
  inputs: 200,
  schedules: 50,
  scheduleName: 64,
  runTriggers: 50,
  triggerBranches: 50,
  /** Patterns of one list of a trigger or of one `changed(…)` or `hashFiles(…)`, and the characters of each. */
  globs: 50,
  globLength: 256,
  commentTriggers: 20,
  /** Lists of patterns that the `changed(…)` of a pipeline name, as many that its `hashFiles(…)` name, and the characters of each as JSON. */
  changedLists: 200,
  changedLength: 16 * 1024,
  /** Of the paths that an explanation is asked with. */
  explainedPaths: 10_000,
  pathLength: 4096,
  webhookHeaders: 20,
  /** Of what is posted to a webhook. */
  webhookBytes: 256 * 1024,
  inputOptions: 200,
  env: 500,
  envValueBytes: 64 * 1024,
  scriptBytes: 256 * 1024,
  /** Of the live document, as it is sent: one change, all that has waited for the controller, and the whole of it. */
  changeBytes: 256 * 1024,
  waitingBytes: 2 * 1024 * 1024,
  documentBytes: 8 * 1024 * 1024,
  environmentName: 64,
  addressLength: 2048,
  secretsOfAStep: 100,
  outputsOfAStep: 100,
  outputsOfARun: 100,
  /** UTF-8 bytes of all outputs of a step together, names and values. One that has more fails. */
  outputsBytes: 256 * 1024,
  /** Variables and folders that a step sets for others. */
  exportsOfAStep: 100,
  /** That are kept of what an attempt marks in its log, and the characters of each. */
  annotations: 50,
  annotationMessage: 4096,
  annotationTitle: 256,
  annotationFile: 1024,
  /** Patterns of each list of `reports`, as of globs. */
  reportGlobs: 50,
  /** Files that one list is read from, their bytes, each and together, and what is looked at to find them. */
  reportFiles: 500,
  reportFileBytes: 32 * 1024 * 1024,
  reportBytes: 64 * 1024 * 1024,
  reportEntries: 500_000,
  /** Elements inside each other. */
  reportDepth: 100,
  /** Tests of an attempt that are kept, and the characters of what each says. */
  tests: 20_000,
  testName: 512,
  testMessage: 2048,
  testOutput: 16 * 1024,
  /** As they travel and are stored: blocks, bytes that one stands for, and of all of them as they are packed. */
  testBlocks: 1000,
  testBlockBytes: 192 * 1024,
  testPackedBytes: 768 * 1024,
  testQuery: 200,
  /** UTF-8 bytes of what a step writes for people. The rest is left out. */
  summaryBytes: 256 * 1024,
  /** Bytes of one `NAME=value` in the environment of a process, and of all of them: what Linux takes. */
  environmentEntryBytes: 128 * 1024 - 1,
  environmentBytes: 1920 * 1024,
  /** Of what an approval asks, as it is stored. */
  approvalBytes: 32 * 1024,
  labelsOfAStep: 20,
  matrixAxes: 20,
  /** Of an axis, and of `include`. */
  matrixValues: 1000,
  matrixExcludes: 200,
  /** Of all axes, before `exclude`. */
  matrixCombinations: 5000,
  matrixCopies: 1000,
  /** Characters of one value. */
  matrixValueLength: 1024,
  /** Characters of the values of all copies of a step, as JSON. */
  matrixSize: 256 * 1024,
  /** Of all matrices of a run together. */
  copiesOfARun: 10_000,
  /** Given by people, and as many again that it says of itself. */
  labelsOfAnAgent: 30,
  slotsOfAnAgent: 1024,
  /** That an agent says it has: those in its slots, and as many whose end nobody has confirmed yet. */
  jobsOfAnAgent: 2048,
  /** That a project may limit its jobs to. */
  jobsOfAProject: 10_000,
  retries: 20,
  /** Runs of a group at once, and steps with one lock. */
  runsOfAGroup: 100,
  /** Of a run, and as much below 0. */
  priority: 100,
  locksOfAStep: 20,
  /** Characters of the name of a group or a lock. */
  lockName: 200,
  durationMs: 30 * 24 * 3_600_000,
  expressionLength: 4096,
  /** Rounds of all loops (map, filter, exists …) of one evaluation together. */
  expressionRounds: 2000,
  /** Characters one value of an expression may hold; a value in a list counts as 16. */
  expressionValueSize: 256 * 1024,
  /** The same for all values together that an expression with loops makes. */
  expressionWork: 2 * 1024 * 1024,
  textLength: 1024 * 1024,
  withDepth: 16,
  imageName: 512,
  /** Values that are masked in a step's output: its secrets and what it adds with add-mask lines; the rest is withheld. */
  masks: 10_000,
  /** UTF-8 bytes of all of them together. */
  maskBytes: 256 * 1024,
} as const

const kibibyte = 1024

/** Of one message with bytes of a log. */
export const logMessage = {
  /** As they are sent. */
  dataBytes: 64 * kibibyte,
  /** What they stand for when they are packed. */
  unpackedBytes: 256 * kibibyte,
  /** Times of lines beside packed bytes. */
  packedTimes: 8000,
} as const

/** Bytes of one request, as it stands on the wire and when it is unpacked. */
export const requestBytes = {
  /** Of methods that anyone may call. */
  ofStrangers: 16 * kibibyte,
  usual: 64 * kibibyte,
  /** More, for methods whose work needs it. */
  of: {
    // A file of 1 MiB, whose text takes more room in JSON.
    'ansflow.v1.PipelineService/ValidatePipeline': 1.5 * 1024 * kibibyte,
    'ansflow.v1.PipelineService/ApplyPipeline': 1.5 * 1024 * kibibyte,
    'ansflow.v1.RunService/StartRun': 128 * kibibyte,
    'ansflow.v1.RunService/RerunRun': 128 * kibibyte,
    // Paths of files that have changed.
    'ansflow.v1.ExplainService/ExplainRun': 1024 * kibibyte,
    'ansflow.v1.SecretService/PutSecret': 256 * kibibyte,
    // The jobs of an agent with the outputs that nobody has confirmed yet.
    'ansflow.agent.v1.AgentLinkService/Control': 4 * 1024 * kibibyte,
    // 64 KiB of log with a length and a time for each line.
    'ansflow.agent.v1.AgentLinkService/Logs': 1024 * kibibyte,
  } as Record<string, number>,
} as const

/** Fields, elements and entries of one request, those of messages inside it as well. */
export const requestValues = 30_000

/** Names of steps, of things the shell sees (variables, secrets, inputs, outputs), of workspaces and of labels. */
export const patterns = {
  stepId: /^[a-z0-9][a-z0-9_-]{0,63}$/,
  identifier: /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,127}$/,
  image:
    /^[A-Za-z0-9][A-Za-z0-9._/-]*(:\d+\/[A-Za-z0-9._/-]+)?(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@[a-z0-9+._-]+:[0-9a-f]{32,})?$/,
  workspace: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  label: /^[A-Za-z0-9][A-Za-z0-9._:/=-]{0,63}$/,
} as const

/** Names of entries that the live document cannot hold: it is made of objects, which have these already. */
export function isTakenKey(name: string): boolean {
  return name === '__proto__' || name === 'constructor'
}

/** Names people give (pipelines, projects, people, tokens): one line of at most `nameLength`, nothing blank at its ends. */
export function isName(text: string): boolean {
  return text !== '' && text.length <= limits.nameLength && text === text.trim() && !hasControl(text)
}

export function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

export function utf8Length(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length) {
      bytes += 4
      i++
    } else bytes += 3
  }
  return bytes
}
