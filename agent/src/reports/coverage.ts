// Owns reading how much was covered: from Cobertura's XML, and from the lines of lcov, told apart by what is in the file.
import { BadReport } from './read-file.ts'
import { XmlReader } from './xml.ts'

export interface Coverage {
  lines: number
  linesHit: number
  branches: number
  branchesHit: number
}

/** No file has as many. */
const MOST = 2 ** 31 - 1
/** Of a line of lcov: numbers and a path. */
const MOST_LINE = 64 * 1024

interface Form {
  write(text: string): void
  /** Throws a BadReport where it was none. */
  end(): Coverage
}

export class CoverageReader {
  #form: Form | undefined

  write(text: string): void {
    if (this.#form) {
      this.#form.write(text)
      return
    }
    const first = text.replace(/^\ufeff/, '').trimStart()
    if (first === '') return
    this.#form = first.startsWith('<') ? new Cobertura() : new Lcov()
    this.#form.write(first)
  }

  end(): Coverage {
    if (!this.#form) throw new BadReport('it is empty')
    return this.#form.end()
  }
}

export function added(all: readonly Coverage[]): Coverage {
  const sum = (key: keyof Coverage) =>
    Math.min(
      MOST,
      all.reduce((before, each) => before + each[key], 0),
    )
  const [lines, branches] = [sum('lines'), sum('branches')]
  return {
    lines,
    linesHit: Math.min(lines, sum('linesHit')),
    branches,
    branchesHit: Math.min(branches, sum('branchesHit')),
  }
}

class Lcov implements Form {
  readonly #all: Coverage = { lines: 0, linesHit: 0, branches: 0, branchesHit: 0 }
  #rest = ''
  #line = 0
  /** Of the source file that is open: what its totals say, and what its lines add up to. */
  #source: { said: Partial<Coverage>; counted: Coverage } | undefined
  #hasSource = false

  write(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    if (this.#rest.length > MOST_LINE) throw new BadReport(`its line ${this.#line + 1} is too long`, this.#line + 1)
    for (const line of lines) this.#read(line)
  }

  end(): Coverage {
    if (this.#rest !== '') this.#read(this.#rest)
    if (!this.#hasSource) throw new BadReport('it is neither Cobertura XML nor lcov')
    if (this.#source) throw new BadReport('it ends within a file (no end_of_record)', this.#line)
    return this.#all
  }

  #read(text: string): void {
    this.#line += 1
    const line = text.trimEnd()
    if (line.startsWith('SF:')) {
      this.#hasSource = true
      this.#source = { said: {}, counted: { lines: 0, linesHit: 0, branches: 0, branchesHit: 0 } }
      return
    }
    const source = this.#source
    if (!source) {
      if (this.#hasSource || /^(?:$|#|TN:)/.test(line)) return
      throw new BadReport('it is neither Cobertura XML nor lcov', this.#line)
    }
    if (line === 'end_of_record') {
      for (const key of Object.keys(this.#all) as (keyof Coverage)[]) {
        this.#all[key] = Math.min(MOST, this.#all[key] + (source.said[key] ?? source.counted[key]))
      }
      this.#source = undefined
      return
    }
    const [word, value = ''] = line.split(':', 2)
    if (word === 'LF') source.said.lines = this.#whole(value)
    else if (word === 'LH') source.said.linesHit = this.#whole(value)
    else if (word === 'BRF') source.said.branches = this.#whole(value)
    else if (word === 'BRH') source.said.branchesHit = this.#whole(value)
    else if (word === 'DA') {
      source.counted.lines += 1
      if (Number(value.split(',')[1]) > 0) source.counted.linesHit += 1
    } else if (word === 'BRDA') {
      source.counted.branches += 1
      if (Number(value.split(',')[3]) > 0) source.counted.branchesHit += 1
    }
  }

  #whole(text: string): number {
    const number = Number(text)
    if (text.trim() !== '' && Number.isInteger(number) && number >= 0 && number <= MOST) return number
    throw new BadReport(`its line ${this.#line} says no number`, this.#line)
  }
}

class Cobertura implements Form {
  readonly #xml: XmlReader
  readonly #counted: Coverage = { lines: 0, linesHit: 0, branches: 0, branchesHit: 0 }
  readonly #said: Partial<Coverage> = {}
  /** Inside of a method its lines stand a second time. */
  #methods = 0
  #classes = 0

  constructor() {
    this.#xml = new XmlReader({
      open: (name, attributes, depth) => this.#open(name, attributes, depth),
      close: (name) => {
        if (name === 'method') this.#methods -= 1
        if (name === 'class') this.#classes -= 1
      },
      text: () => {},
    })
  }

  write(text: string): void {
    this.#xml.write(text)
  }

  end(): Coverage {
    this.#xml.end()
    const { lines = 0, linesHit = 0, branches, branchesHit } = this.#said
    const [said, counted] = [this.#said, this.#counted]
    if (lines === 0 && counted.lines === 0 && said.lines === undefined)
      throw new BadReport('it says of no line whether it is covered')
    return {
      ...(said.lines === undefined || said.linesHit === undefined
        ? { lines: counted.lines, linesHit: counted.linesHit }
        : { lines, linesHit }),
      ...(branches === undefined || branchesHit === undefined
        ? { branches: counted.branches, branchesHit: counted.branchesHit }
        : { branches, branchesHit }),
    }
  }

  #open(name: string, attributes: Readonly<Record<string, string>>, depth: number): void {
    if (depth === 1) {
      if (name !== 'coverage') {
        throw new BadReport(
          `it is neither Cobertura nor lcov: its outermost element is <${name.slice(0, 60)}>`,
          this.#xml.line,
        )
      }
      this.#take('lines', attributes['lines-valid'])
      this.#take('linesHit', attributes['lines-covered'])
      this.#take('branches', attributes['branches-valid'])
      this.#take('branchesHit', attributes['branches-covered'])
    } else if (name === 'method') this.#methods += 1
    else if (name === 'class') this.#classes += 1
    else if (name === 'line' && this.#classes > 0 && this.#methods === 0) this.#count(attributes)
  }

  #take(key: keyof Coverage, text: string | undefined): void {
    const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
    if (Number.isInteger(number) && number >= 0 && number <= MOST) this.#said[key] = number
  }

  #count(attributes: Readonly<Record<string, string>>): void {
    this.#counted.lines += 1
    if (Number(attributes.hits) > 0) this.#counted.linesHit += 1
    const [, hit, all] = /\((\d{1,9})\/(\d{1,9})\)/.exec(attributes['condition-coverage'] ?? '') ?? []
    if (all === undefined) return
    this.#counted.branches += Number(all)
    this.#counted.branchesHit += Math.min(Number(hit), Number(all))
  }
}
