// Owns the reading of what a step sets for the steps that need it: variables, and folders for their PATH.
import { delimiter, isAbsolute } from 'node:path'
import { limits, patterns } from '@ansflow/proto/limits'
import { reservedProblem } from '@ansflow/proto/step-variables'
import { bytesOf, readPairs, readText } from './pairs.ts'
import { Unreadable } from './step-file.ts'

export interface StepExports {
  env: Map<string, string>
  path: string[]
  /** English, one line each, for the log. */
  problems: string[]
  /** Why there are none: the step has failed. An English sentence. */
  failure?: string
}

/** What cannot be meant has failed the step: later ones would run with less than they were to get. */
export function readExports(files: { env: string; path: string }, isSecret: (value: string) => boolean): StepExports {
  const problems: string[] = []
  try {
    const env = new Map<string, string>()
    for (const [name, value] of readPairs(files.env, 'env file', 'variable')) {
      checkName(name)
      env.set(name, value)
    }
    for (const [name, value] of env) {
      if (!isSecret(value)) continue
      env.delete(name)
      problems.push(`The variable ${JSON.stringify(name)} for later steps holds a secret; it was dropped.`)
    }
    const folders = readFolders(files.path)
    const path = folders.filter((folder) => !isSecret(folder))
    if (path.length < folders.length) {
      problems.push('A folder for the PATH of later steps holds a secret; it was dropped.')
    }
    checkAmount(env, path)
    return { env, path, problems }
  } catch (error) {
    if (error instanceof Unreadable) return { env: new Map(), path: [], problems, failure: error.message }
    throw error
  }
}

function checkName(name: string): void {
  const shown = JSON.stringify(name)
  if (name === 'PATH') throw new Unreadable('The env file sets PATH: write folders for it into $ANSFLOW_PATH instead.')
  if (!patterns.identifier.test(name))
    throw new Unreadable(`The env file sets ${shown}, which is no name of a variable.`)
  const reserved = reservedProblem(name)
  const setter = reserved?.params.by === 'shell' ? 'the shell itself' : 'AnsFlow itself'
  if (reserved) throw new Unreadable(`The env file sets ${name}, which ${setter} sets for each step.`)
}

function readFolders(file: string): string[] {
  const lines = readText(file, 'path file').split(/\r?\n/)
  return lines.filter((line, i) => {
    if (line.trim() === '') return false
    const at = `Line ${i + 1} of the path file`
    if (!isAbsolute(line)) throw new Unreadable(`${at} is no absolute path, such as $PWD/bin.`)
    if (line.includes(delimiter)) throw new Unreadable(`${at} is more than one folder.`)
    return true
  })
}

function checkAmount(env: ReadonlyMap<string, string>, path: readonly string[]): void {
  const most = limits.exportsOfAStep
  if (env.size > most) throw new Unreadable(`The env file sets ${env.size} variables; a step may set ${most}.`)
  if (path.length > most) throw new Unreadable(`The path file has ${path.length} folders; a step may add ${most}.`)
  const bytes = bytesOf([...env, ...path.map((folder): [string, string] => [folder, ''])])
  if (bytes <= limits.outputsBytes) return
  throw new Unreadable(`What the step sets for later ones has ${bytes} bytes; it may have ${limits.outputsBytes}.`)
}
