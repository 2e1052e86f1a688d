// `${{ }}` inside scripts: what a value holds must never become part of the script.
import { limits, utf8Length } from '../limits.ts'
import { say } from '../texts/say.ts'
import { ExpressionError } from './compile.ts'
import { type ExpressionContext, evaluate, toText } from './evaluate.ts'
import { comparesNumbers, computes, isOpenTest, lastOf, shortened } from './shell-arithmetic.ts'
import { hasExpression, parseTemplate } from './template.ts'

/** Where the shell is when it comes to an expression; `raw` is text in which it puts in no variables. */
type Place = 'plain' | 'arithmetic' | 'double' | 'single' | 'ansi' | 'comment' | 'raw'

/** Characters that mean nothing to any shell, wherever they stand. */
const harmless = /^[A-Za-z0-9_./:+=-]+$/

// One variable of a process may have 128 KiB on Linux.
const longestValue = 100 * 1024

/**
 * The script with its values. A value of harmless characters is written into it; any other reaches the script as a variable,
 * `${ANSFLOW_VALUE_1}` …, in the quotes that its place needs, so that nothing in it is ever run. Throws an ExpressionError.
 */
export function interpolateScript(
  script: string,
  shell: string,
  context: ExpressionContext,
): { script: string; variables: Record<string, string> } {
  const variables: Record<string, string> = {}
  if (!hasExpression(script)) return { script, variables }
  const { parts, error } = parseTemplate(script)
  if (error !== undefined) throw new ExpressionError(error)
  const reader = readerOf(shell)
  let result = ''
  let count = 0
  for (const [index, part] of parts.entries()) {
    if (part.kind === 'text') {
      reader.read(part.text)
      result += part.text
    } else {
      const value = toText(evaluate(part.source, context))
      if (harmless.test(value)) {
        reader.read(value)
        result += value
      } else {
        if (utf8Length(value) > longestValue) {
          throw new ExpressionError(say('script_value_large', { source: `\`${part.source}\`` }))
        }
        const name = `ANSFLOW_VALUE_${count + 1}`
        const next = parts[index + 1]
        if (value !== '' && reader.isCompared?.(next?.kind === 'text' ? next.text : '')) {
          throw cannotQuote(part.source, 'arithmetic')
        }
        const word = wordOf(reader, name, part.source, value)
        if (word === undefined) continue
        count += 1
        variables[name] = value
        result += word
      }
    }
    if (result.length > limits.textLength) throw new ExpressionError(say('script_large'))
  }
  return { script: result, variables }
}

const posixShells: ReadonlySet<string> = new Set(['', 'sh', 'bash', 'dash', 'ash', 'ksh', 'zsh', 'busybox'])
const powerShells: ReadonlySet<string> = new Set(['pwsh', 'powershell'])

function readerOf(shell: string): ScriptText {
  const program = shell.trim().split(/\s+/, 1)[0]!.split('/').at(-1)!
  if (powerShells.has(program)) return new PowerShellText()
  return posixShells.has(program) ? new ShellText() : otherLanguage
}

/** A text that is read up to an expression, which then becomes a variable. */
interface ScriptText {
  read(text: string): void
  variable(name: string, source: string): string
  /** Whether it is compared as a number, which shells compute; `next`: what stands behind it. */
  isCompared?(next: string): boolean
}

/** How a variable is written there is not known here. */
const otherLanguage: ScriptText = {
  read: () => undefined,
  variable: (_name, source) => {
    throw cannotQuote(source, 'language')
  },
}

/** An empty value is a word too; undefined: it stands where there are no words, and nothing is what it says there. */
function wordOf(reader: ScriptText, name: string, source: string, value: string): string | undefined {
  if (value !== '') return reader.variable(name, source)
  try {
    return reader.variable(name, source)
  } catch (error) {
    if (error instanceof ExpressionError) return undefined
    throw error
  }
}

function cannotQuote(source: string, where: string): ExpressionError {
  return new ExpressionError(say('cannot_quote', { source: `\`${source}\``, where }))
}

/** sh and bash: quotes, comments, here-documents, and command substitutions with quotes of their own. */
class ShellText {
  private readonly places: Place[] = ['plain']
  /** Here-documents whose bodies begin with the next line. */
  private waiting: { end: string; quoted: boolean; tabs: boolean }[] = []
  private body: { end: string; quoted: boolean; tabs: boolean } | undefined
  /** What stands in the line so far, to know the end of a here-document. */
  private line = ''
  private last = '\n'
  /** Of each command that is open, its words so far: outermost first. */
  private readonly words: string[] = ['']

  private get place(): Place {
    if (this.body) return this.body.quoted ? 'raw' : 'double'
    return this.places.at(-1)!
  }

  /** Shells run the substitutions in the values of variables that they compute with. */
  private get isComputed(): boolean {
    if (this.body) return this.line.lastIndexOf('$((') > this.line.lastIndexOf(')') || computes(this.line, '')
    if (this.places.findLast((place) => place !== 'double') === 'arithmetic') return true
    return computes(this.line, this.words.at(-1)!)
  }

  isCompared(next: string): boolean {
    return !this.body && comparesNumbers(this.words.at(-1)!, next)
  }

  private enter(place: Place): void {
    this.places.push(place)
    if (place === 'plain' || place === 'arithmetic') this.words.push('')
  }

  private leave(): void {
    const place = this.places.pop()
    if (place === 'plain' || place === 'arithmetic') this.words.pop()
  }

  /** A sign of the command; with one that ends it the next begins. */
  private note(signs: string): void {
    const words = this.words.at(-1)!
    const isEnd = this.place === 'plain' && /^[\n;&|]$/.test(signs) && !isOpenTest(words)
    this.words[this.words.length - 1] = isEnd ? '' : shortened(words + signs)
  }

  read(text: string): void {
    for (let i = 0; i < text.length; ) i += this.step(text, i)
  }

  variable(name: string, source: string): string {
    if (this.isComputed) throw cannotQuote(source, 'arithmetic')
    this.last = 'x'
    this.line += 'x'
    this.note('x')
    switch (this.place) {
      case 'plain':
        return `"\${${name}}"`
      case 'single':
        return `'"\${${name}}"'`
      case 'ansi':
        return `'"\${${name}}"$'`
      case 'raw':
        throw cannotQuote(source, 'heredoc')
      default:
        return `\${${name}}`
    }
  }

  /** Reads one sign, or what belongs together; answers how long it is. */
  private step(text: string, at: number): number {
    const sign = text[at]!
    if (sign === '\n') this.endLine()
    else this.line = lastOf(this.line + sign)
    const before = this.last
    this.last = sign
    const { place } = this
    if (this.body) return 1
    if (place === 'comment') {
      if (sign === '\n') this.leave()
      return 1
    }
    this.note(sign)
    if (place === 'single') {
      if (sign === "'") this.leave()
      return 1
    }
    if (sign === '\\') {
      const next = text[at + 1]
      if (next !== undefined) {
        this.line += next
        this.words[this.words.length - 1] = shortened(this.words.at(-1)! + next)
      }
      this.last = 'x'
      return 2
    }
    if (place === 'ansi') {
      if (sign === "'") this.leave()
      return 1
    }
    if (sign === '"') {
      if (place === 'double') this.leave()
      else this.enter('double')
    } else if (sign === '`') {
      // Backquotes do not nest without backslashes.
      if (this.places.length > 1 && place === 'plain') this.leave()
      else this.enter('plain')
    } else if (sign === '(' && before === '$') this.enter('plain')
    else if (sign === '(' && (place === 'arithmetic' || (place === 'plain' && before === '('))) this.enter('arithmetic')
    else if (sign === '(' && place === 'plain') this.enter('plain')
    else if (sign === ')' && (place === 'plain' || place === 'arithmetic')) {
      if (this.places.length > 1) this.leave()
    } else if (place === 'plain') this.plain(text, at, sign, before)
    return 1
  }

  private plain(text: string, at: number, sign: string, before: string): void {
    if (sign === "'") this.enter(before === '$' ? 'ansi' : 'single')
    else if (sign === '#' && /[\s;&|(]/.test(before)) this.enter('comment')
    else if (sign === '<' && before === '<') {
      const found = /^(-?)[ \t]*(?:'([^'\n]+)'|"([^"\n]+)"|(\\?)([^\s;&|<>()'"]+))/.exec(text.slice(at + 1, at + 200))
      if (found === null || text[at + 1] === '<') return
      const [, dash, single, double, escaped, word] = found
      const end = single ?? double ?? word!
      this.waiting.push({
        end,
        quoted: single !== undefined || double !== undefined || escaped !== '',
        tabs: dash !== '',
      })
    }
  }

  private endLine(): void {
    if (this.body) {
      if ((this.body.tabs ? this.line.replace(/^\t+/, '') : this.line) === this.body.end)
        this.body = this.waiting.shift()
    } else if (this.places.at(-1) !== 'single' && this.places.at(-1) !== 'double') this.body = this.waiting.shift()
    this.line = ''
  }
}

/** PowerShell: its quotes do not join, so a value in single quotes has no place of its own. */
class PowerShellText {
  private place: Place = 'plain'
  private here = ''
  private last = '\n'
  private line = ''

  read(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const sign = text[i]!
      const { last } = this
      this.last = sign
      this.line = sign === '\n' ? '' : this.line + sign
      if (this.here !== '') {
        if (this.line === this.here) {
          this.here = ''
          this.place = 'plain'
        }
      } else if (sign === '`' && this.place !== 'single') {
        i++
        this.last = 'x'
      } else if (this.place === 'comment') {
        if (sign === '\n') this.place = 'plain'
      } else if (this.place === 'single') {
        if (sign === "'") this.place = 'plain'
      } else if (this.place === 'double') {
        if (sign === '"') this.place = 'plain'
      } else if (sign === '"' || sign === "'") {
        this.place = sign === '"' ? 'double' : 'single'
        if (last === '@') this.here = `${sign}@`
      } else if (sign === '#' && /[\s;({|]/.test(last)) this.place = 'comment'
    }
  }

  variable(name: string, source: string): string {
    this.last = 'x'
    this.line += 'x'
    if (this.place === 'single') throw cannotQuote(source, 'quotes')
    return `\${env:${name}}`
  }
}
