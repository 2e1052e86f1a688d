// Owns reading test results as JUnit's XML says them, in the dialects that its many writers have made of it.
import { TestResult } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { BadReport } from './read-file.ts'
import { XmlReader } from './xml.ts'

/** Texts as they stand in the file: nothing is masked or cut yet, but for what is far too long. */
export interface ReadTest {
  result: TestResult
  name: string
  suite: string
  file: string
  line: number
  durationMs: number
  message: string
  details: string
  output: string
  /** There was more of details or output. */
  cut: boolean
  failedTries: number
}

/** Of one text: what is kept of it in the end is much less. */
const MOST_TEXT = 64 * 1024
const MOST_NAME = 8 * 1024
const MOST_SECONDS = 1e7
const FAILURES = new Set(['failure', 'error'])
/** Of tries before one that passed, and of those before one that failed too. */
const FLAKES = new Set(['flakyfailure', 'flakyerror'])
const RERUNS = new Set(['rerunfailure', 'rerunerror'])
const SKIPPED = new Set(['skipped', 'disabled', 'notrun', 'ignored', 'suppressed'])

interface Open {
  name: string
  suite: string
  file: string
  line: number
  durationMs: number
  failed: boolean
  skipped: boolean
  flakes: number
  message: string
  details: Text
  output: Text
}

/** Grows by pieces, up to what is kept. */
class Text {
  value = ''
  cut = false

  add(piece: string): void {
    const room = MOST_TEXT - this.value.length
    if (piece.length > room) this.cut = true
    if (room > 0) this.value += piece.slice(0, room)
  }
}

export class JunitReader {
  readonly #xml: XmlReader
  readonly #found: (test: ReadTest) => void
  /** Names of the suites that are open. */
  readonly #suites: string[] = []
  #test: Open | undefined
  /** Where text goes to; the depth of the element that it stands in. */
  #into: { text: Text; depth: number } | undefined
  #testDepth = 0

  constructor(found: (test: ReadTest) => void) {
    this.#found = found
    this.#xml = new XmlReader({
      open: (name, attributes, depth) => this.#open(name, attributes, depth),
      close: (name, depth) => this.#close(name, depth),
      text: (text) => this.#into?.text.add(text),
    })
  }

  /** Throws a BadReport. */
  write(text: string): void {
    this.#xml.write(text)
  }

  end(): void {
    this.#xml.end()
  }

  #open(name: string, attributes: Readonly<Record<string, string>>, depth: number): void {
    if (depth === 1 && name !== 'testsuites' && name !== 'testsuite') {
      throw new BadReport(`it is no JUnit report: its outermost element is <${name.slice(0, 60)}>`, this.#xml.line)
    }
    if (this.#test) {
      this.#openInTest(this.#test, name, attributes, depth)
      return
    }
    if (name === 'testsuite') this.#suites.push((attributes.name ?? '').slice(0, MOST_NAME))
    if (name !== 'testcase') return
    const { classname = '', status = '', result = '' } = attributes
    const suites = this.#suites.filter((each) => each !== '')
    this.#testDepth = depth
    this.#test = {
      name: (attributes.name ?? '').slice(0, MOST_NAME),
      suite: (classname || suites.join(' › ')).slice(0, MOST_NAME),
      file: (attributes.file ?? '').slice(0, MOST_NAME),
      line: wholeOf(attributes.line),
      durationMs: millisecondsOf(attributes.time),
      failed: false,
      skipped: SKIPPED.has(status.toLowerCase()) || SKIPPED.has(result.toLowerCase()),
      flakes: 0,
      message: '',
      details: new Text(),
      output: new Text(),
    }
  }

  #openInTest(test: Open, written: string, attributes: Readonly<Record<string, string>>, depth: number): void {
    const name = written.toLowerCase()
    if (name === 'system-out' || name === 'system-err') this.#into = { text: this.#next(test.output), depth }
    if (name === 'stacktrace') this.#into = { text: this.#next(test.details), depth }
    if (depth !== this.#testDepth + 1) return
    const isFailure = FAILURES.has(name)
    const isTry = FLAKES.has(name) || RERUNS.has(name)
    if (isFailure) test.failed = true
    if (isTry) test.flakes += 1
    if (name === 'skipped') test.skipped = true
    if (!isFailure && !isTry && name !== 'skipped') return
    if (test.message === '') test.message = (attributes.message || attributes.type || '').slice(0, MOST_TEXT)
    this.#into = { text: this.#next(test.details), depth }
  }

  /** What stood in it before ends its line. */
  #next(text: Text): Text {
    if (text.value !== '' && !text.value.endsWith('\n')) text.add('\n')
    return text
  }

  #close(name: string, depth: number): void {
    if (this.#into?.depth === depth) this.#into = undefined
    if (this.#test && depth === this.#testDepth) {
      this.#found(readTest(this.#test))
      this.#test = undefined
    } else if (!this.#test && name === 'testsuite') this.#suites.pop()
  }
}

function readTest({ failed, skipped, flakes, details, output, ...test }: Open): ReadTest {
  const { FAILED, FLAKY, SKIPPED: LEFT_OUT, PASSED } = TestResult
  const result = failed ? FAILED : flakes > 0 ? FLAKY : skipped ? LEFT_OUT : PASSED
  const [first = ''] = details.value.trim().split('\n', 1)
  return {
    ...test,
    result,
    message: test.message || first,
    details: details.value,
    output: output.value,
    cut: details.cut || output.cut,
    failedTries: flakes,
  }
}

/** Seconds as text: "1.5", "1,234.5", "0,5". */
export function millisecondsOf(text = ''): number {
  const plain = text.trim()
  const isDecimalComma = !plain.includes('.') && /^\d+,\d+$/.test(plain) && !/^[1-9]\d{0,2},\d{3}$/.test(plain)
  const seconds = Number(isDecimalComma ? plain.replace(',', '.') : plain.replaceAll(',', ''))
  return seconds > 0 && seconds <= MOST_SECONDS ? seconds * 1000 : 0
}

function wholeOf(text = ''): number {
  const number = Number(text)
  return Number.isInteger(number) && number > 0 && number < 2 ** 31 ? number : 0
}
