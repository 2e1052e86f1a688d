// Text → YAML document, in one pass over its tokens that stops where the text is larger or deeper than any pipeline file.
import { Composer, CST, type Document, Lexer, type LineCounter, Parser } from 'yaml'
import { unstorable } from '../characters.ts'
import { limits, utf8Length } from '../limits.ts'
import { type Said, say } from '../texts/say.ts'

/** Why a text is no file of ours, whatever it says. */
export interface Refusal {
  code: string
  said: Said
  offset: number
}

const options = {
  prettyErrors: false,
  // Checked by the reader: the library compares every key with every other.
  uniqueKeys: false,
  version: '1.2',
  logLevel: 'error',
} as const

export function parseText(text: string, lines?: LineCounter): { document?: Document.Parsed; refusals: Refusal[] } {
  const { tokens, refusals } = readTokens(text, lines)
  if (refusals.length > 0) return { refusals }
  return withoutTraces(() => {
    const [document, second] = new Composer({ ...options, ...(lines && { lineCounter: lines }) }).compose(
      tokens,
      true,
      text.length,
    )
    if (second === undefined) return { ...(document && { document: document as Document.Parsed }), refusals }
    return { refusals: [{ code: 'yaml', said: say('file_documents'), offset: second.range[0] }] }
  })
}

function readTokens(text: string, lines: LineCounter | undefined): { tokens: CST.Token[]; refusals: Refusal[] } {
  const refusals: Refusal[] = []
  const tokens: CST.Token[] = []
  const end = (code: string, said: Said, offset = 0) => ({ tokens: [], refusals: [{ code, said, offset }] })
  if (utf8Length(text) > limits.fileBytes) {
    return end('too_large', say('file_large', { most: limits.fileBytes / 1024 }))
  }
  const wrong = unstorable(text)
  if (wrong) return end('characters', say('file_characters', { odd: wrong.point }), wrong.offset)
  const parser = new Parser(lines?.addNewLine)
  lines?.addNewLine(0)
  let count = 0
  let isText = false
  for (const lexeme of new Lexer().lex(text)) {
    const offset = parser.offset
    if (++count > limits.fileTokens) {
      return end('too_large', say('file_tokens', { most: limits.fileTokens }), offset)
    }
    if (!isText && refusals.length < limits.problems) {
      const said = refusedToken(lexeme, text, offset)
      if (said !== undefined) refusals.push({ code: 'yaml', said, offset })
    }
    isText = lexeme === CST.SCALAR
    tokens.push(...parser.next(lexeme))
    // Beside the lists and maps there is the document, and the value that is being read.
    if (parser.stack.length > limits.fileDepth + 2) {
      return end('too_deep', say('file_deep', { most: limits.fileDepth }), offset)
    }
  }
  tokens.push(...parser.end())
  return { tokens, refusals }
}

/** What YAML would take for something else than was meant, or drop in silence. */
function refusedToken(lexeme: string, text: string, offset: number): Said | undefined {
  switch (lexeme[0]) {
    case '!': {
      const line = /^[^\r\n]*/.exec(text.slice(offset, offset + 60))![0].trim()
      const written = line.length > 40 ? `${line.slice(0, 40)}…` : line
      return say('yaml_tag', { tag: lexeme, quoted: quoted(written) })
    }
    case '%':
      if (/^%YAML\s+1\.2\s*$/.test(lexeme)) return undefined
      if (/^%YAML\s+1\.1\s*$/.test(lexeme)) return say('yaml_version')
      return say('yaml_directive')
    case '{':
      // Inside of braces or brackets ${{ is a dollar and two maps.
      if (text[offset - 1] !== '$' || text[offset + 1] !== '{') return undefined
      return say('yaml_braces', { signs: '{ } / [ ]', write: '"${{ … }}"' })
    default:
      return undefined
  }
}

function quoted(value: string): string {
  return value.includes('"') ? `'${value.replaceAll("'", "''")}'` : `"${value}"`
}

/** A text of nothing but mistakes must not cost a stack trace for each. */
function withoutTraces<T>(run: () => T): T {
  const traced = Error as { stackTraceLimit?: number }
  const before = traced.stackTraceLimit
  traced.stackTraceLimit = 0
  try {
    return run()
  } finally {
    if (before === undefined) delete traced.stackTraceLimit
    else traced.stackTraceLimit = before
  }
}
