// Owns reading XML that others have written, as it comes: no entities but those of XML itself, no documents of others, bounded depth.
import { limits } from '@ansflow/proto/limits'
import { type SaxesAttributePlain, SaxesParser } from 'saxes'
import { BadReport } from './read-file.ts'

export interface XmlHandler {
  /** Without a prefix of its name. `depth`: 1 is the outermost. */
  open(name: string, attributes: Readonly<Record<string, string>>, depth: number): void
  close(name: string, depth: number): void
  text(text: string): void
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: tools print them, and XML has no place for them
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\ufffe\uffff]/g
/** Stands for ESC, which XML does not allow either: what it begins is taken away once the text is whole. */
export const ESCAPE_SIGN = '\u241b'
/** What tools write although it is none: it stays in the text as it stands. */
const TOLERATED = /entity|"\]\]>"/

export class XmlReader {
  readonly #parser = new SaxesParser({ position: true })
  #depth = 0

  constructor(handler: XmlHandler) {
    this.#parser.on('error', (error) => {
      if (TOLERATED.test(error.message)) return
      const { line, columnIndex } = this.#parser
      const what = error.message
        .replace(/^\d+:\d+:\s*/, '')
        .replace(/\.$/, '')
        .slice(0, 200)
      throw new BadReport(`it is no well-formed XML (line ${line}, column ${columnIndex + 1}: ${what})`, line)
    })
    this.#parser.on('opentag', ({ name, attributes }) => {
      if (++this.#depth > limits.reportDepth) {
        throw new BadReport(`more than ${limits.reportDepth} elements stand inside each other`, this.#parser.line)
      }
      handler.open(local(name), attributes as Record<string, SaxesAttributePlain['value']>, this.#depth)
    })
    this.#parser.on('closetag', ({ name }) => handler.close(local(name), this.#depth--))
    this.#parser.on('text', (text) => handler.text(text))
    this.#parser.on('cdata', (text) => handler.text(text))
  }

  get line(): number {
    return this.#parser.line
  }

  write(text: string): void {
    this.#parser.write(text.replaceAll('\u001b', ESCAPE_SIGN).replace(CONTROL, ''))
  }

  end(): void {
    this.#parser.close()
  }
}

function local(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
