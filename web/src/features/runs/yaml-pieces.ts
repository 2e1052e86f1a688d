// A pipeline file cut into pieces of one look each, as the editor shows it.
import { yamlLanguage } from '@codemirror/lang-yaml'
import { highlightCode, tagHighlighter, tags } from '@lezer/highlight'

export interface YamlPiece {
  text: string
  look?: 'key' | 'string' | 'value' | 'comment'
}

const looks = tagHighlighter([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: 'key' },
  { tag: [tags.string, tags.special(tags.string)], class: 'string' },
  { tag: [tags.number, tags.bool, tags.null, tags.attributeName], class: 'value' },
  { tag: [tags.comment, tags.lineComment], class: 'comment' },
])
/** Longer ones are told in one look: nobody reads them through, and the page must not wait for it. */
const longest = 500_000

export function yamlPieces(text: string): YamlPiece[] {
  if (text.length > longest) return [{ text }]
  const pieces: YamlPiece[] = []
  function add(part: string, look: string): void {
    const last = pieces.at(-1)
    if (last && (last.look ?? '') === look) last.text += part
    else pieces.push({ text: part, ...(look && { look: look as YamlPiece['look'] }) })
  }
  highlightCode(text, yamlLanguage.parser.parse(text), looks, add, () => add('\n', ''))
  return pieces
}
