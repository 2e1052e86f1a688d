// Reads objects of one copy through a git that stays: a question costs no start of a program.
import type { ChildProcess } from 'node:child_process'
import { HelperError } from './helper-messages.ts'
import { endGroup, notStarted, spawnGit } from './run-git.ts'

export interface ObjectInfo {
  id: string
  type: string
  size: number
}

export interface ObjectReader {
  /** `name` is hexadecimal or a full ref, perhaps with ^{commit} or ^{tree}: it holds no blank. Undefined: there is none. */
  info(name: string): Promise<ObjectInfo | undefined>
  /** Undefined: there is none. `too_large` over `mostBytes`, without reading it. */
  read(name: string, mostBytes: number): Promise<(ObjectInfo & { content: Buffer }) | undefined>
  readonly isAlive: boolean
  /** Questions wait for their answers. */
  readonly isBusy: boolean
  end(): void
}

interface Question {
  isForContent: boolean
  resolve(answer: (ObjectInfo & { content: Buffer }) | undefined): void
  reject(error: Error): void
}

const mostMs = 30_000

export function openObjectReader(cwd: string, env: Record<string, string>): ObjectReader {
  const child: ChildProcess = spawnGit({ cwd, env, args: ['cat-file', '--batch-command'] })
  const questions: Question[] = []
  let rest: Buffer = Buffer.alloc(0)
  /** Of an object whose content comes now. */
  let body: { info: ObjectInfo; parts: Buffer[]; left: number } | undefined
  let isAlive = true
  let watch: NodeJS.Timeout | undefined

  function fail(error: Error): void {
    isAlive = false
    clearTimeout(watch)
    endGroup(child)
    for (const question of questions.splice(0)) question.reject(error)
  }

  function awaitNext(): void {
    clearTimeout(watch)
    if (questions.length === 0) return
    watch = setTimeout(() => fail(new HelperError('failed', 'git did not answer in time.')), mostMs)
  }

  function answer(value: (ObjectInfo & { content: Buffer }) | undefined): void {
    questions.shift()?.resolve(value)
    awaitNext()
  }

  function takeLine(line: string): void {
    const found = /^([0-9a-f]{40,64}) (commit|tree|blob|tag) (\d+)$/.exec(line)
    if (!found) {
      answer(undefined)
      return
    }
    const info = { id: found[1]!, type: found[2]!, size: Number(found[3]) }
    // The content has a line feed behind it.
    if (questions[0]?.isForContent) body = { info, parts: [], left: info.size + 1 }
    else answer({ ...info, content: rest.subarray(0, 0) })
  }

  child.stdout!.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      if (body) {
        const part = chunk.subarray(at, at + body.left)
        body.parts.push(part)
        body.left -= part.length
        at += part.length
        if (body.left > 0) return
        const content = Buffer.concat(body.parts).subarray(0, -1)
        const { info } = body
        body = undefined
        answer({ ...info, content })
        continue
      }
      const end = chunk.indexOf(10, at)
      rest = Buffer.concat([rest, chunk.subarray(at, end < 0 ? chunk.length : end)])
      if (end < 0) return
      at = end + 1
      const line = rest.toString('latin1')
      rest = Buffer.alloc(0)
      takeLine(line)
    }
  })
  child.stderr!.resume()
  child.once('error', (error) => fail(notStarted(error, cwd)))
  child.once('close', () => fail(new HelperError('absent', 'The copy of the repository cannot be read.')))

  function ask(command: string, isForContent: boolean): Promise<(ObjectInfo & { content: Buffer }) | undefined> {
    return new Promise((resolve, reject) => {
      if (!isAlive) return void reject(new HelperError('absent', 'The copy of the repository cannot be read.'))
      questions.push({ isForContent, resolve, reject })
      if (questions.length === 1) awaitNext()
      child.stdin!.write(`${command}\n`)
    })
  }

  return {
    info: (name) => ask(`info ${name}`, false),
    async read(name, mostBytes) {
      const info = await ask(`info ${name}`, false)
      if (!info) return undefined
      if (info.size > mostBytes) {
        const kind = info.type === 'blob' ? 'file' : info.type
        throw new HelperError('too_large', `The ${kind} has ${info.size} bytes, more than ${mostBytes}.`)
      }
      return ask(`contents ${info.id}`, true)
    },
    get isAlive() {
      return isAlive
    },
    get isBusy() {
      return questions.length > 0
    },
    end: () => fail(new HelperError('absent', 'The copy of the repository was closed.')),
  }
}
