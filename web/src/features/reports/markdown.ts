// Markdown of a stranger as elements of the page. HTML in it is text, pictures are links to them, and links lead away without telling
// from where: so nothing in it runs, and nothing is loaded before somebody presses it.
import MarkdownIt, { type Token } from 'markdown-it'
import { h, type VNode } from 'vue'

const reader = new MarkdownIt({ html: false, linkify: false })
/** Of one paragraph or cell: reading signs that may begin something costs the square of its length, and whoever looks would wait. */
const longestInline = 8192
reader.core.ruler.at('inline', ({ tokens, Token, md, env }) => {
  for (const token of tokens) {
    if (token.type !== 'inline') continue
    token.children = []
    if (token.content.length <= longestInline) md.inline.parse(token.content, md, env, token.children)
    else token.children.push(Object.assign(new Token('text', '', 0), { content: token.content }))
  }
})

type Piece = VNode | string

const elements: ReadonlySet<string> = new Set([
  ...['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li', 'blockquote', 'hr', 'br'],
  ...['table', 'thead', 'tbody', 'tr', 'th', 'td', 'strong', 'em', 's', 'code', 'pre'],
])

export function markdownPieces(text: string): Piece[] {
  return piecesOf(reader.parse(text, {}))
}

function piecesOf(tokens: readonly Token[]): Piece[] {
  const root: Piece[] = []
  const open: { token: Token; pieces: Piece[] }[] = []
  const into = () => open.at(-1)?.pieces ?? root
  for (const token of tokens) {
    if (token.nesting === 1) open.push({ token, pieces: [] })
    else if (token.nesting === -1) {
      const closed = open.pop()
      if (closed) into().push(...elementOf(closed.token, closed.pieces))
    } else into().push(...pieceOf(token))
  }
  return root
}

function pieceOf(token: Token): Piece[] {
  switch (token.type) {
    case 'inline':
      return piecesOf(token.children ?? [])
    case 'text':
    case 'text_special':
      return [token.content]
    case 'softbreak':
      return ['\n']
    case 'code_inline':
      return [h('code', token.content)]
    case 'code_block':
    case 'fence':
      return [h('pre', { tabindex: 0 }, h('code', token.content))]
    case 'image':
      return [linkTo(String(token.attrGet('src') ?? ''), [token.content || String(token.attrGet('src') ?? '')])]
    default:
      return elements.has(token.tag) ? [h(token.tag)] : [token.content]
  }
}

function elementOf(token: Token, pieces: Piece[]): Piece[] {
  // The paragraphs of a tight list.
  if (token.hidden) return pieces
  if (token.type === 'link_open') return [linkTo(String(token.attrGet('href') ?? ''), pieces)]
  if (!elements.has(token.tag)) return pieces
  const align = /text-align:\s*(left|right|center)/.exec(String(token.attrGet('style') ?? ''))?.[1]
  const start = Number(token.attrGet('start') ?? 1)
  return [
    h(token.tag, { ...(align && { class: `to-${align}` }), ...(token.tag === 'ol' && start > 1 && { start }) }, pieces),
  ]
}

/** Only to places that can be meant from here: what is relative was written for another page. */
function linkTo(href: string, pieces: Piece[]): Piece {
  if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return h('span', { title: href }, pieces)
  return h('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' }, pieces)
}
