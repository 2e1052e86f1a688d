// A badge: two words beside each other, the second on the color of what it says. It is read out as one sentence.
import { textWidth } from './text-width.ts'

export type BadgeColor = 'green' | 'red' | 'blue' | 'grey'

const colors: Record<BadgeColor, string> = { green: '#1a7f37', red: '#cf222e', blue: '#0969da', grey: '#6e7781' }
const height = 20
/** Beside each word. */
const space = 6

export function drawBadge(label: string, message: string, color: BadgeColor): string {
  const [left, right] = [textWidth(label) + 2 * space, textWidth(message) + 2 * space]
  const width = left + right
  const said = escaped(`${label}: ${message}`)
  const word = (text: string, from: number, wide: number) =>
    `<text x="${from + wide / 2}" y="14" textLength="${wide - 2 * space}" lengthAdjust="spacingAndGlyphs">${escaped(text)}</text>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" role="img" aria-label="${said}">`,
    `<title>${said}</title>`,
    `<clipPath id="r"><rect width="${width}" height="${height}" rx="3"/></clipPath>`,
    `<g clip-path="url(#r)"><rect width="${left}" height="${height}" fill="#444d56"/>`,
    `<rect x="${left}" width="${right}" height="${height}" fill="${colors[color]}"/></g>`,
    `<g fill="#fff" text-anchor="middle" font-family="Verdana,'DejaVu Sans','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif" font-size="11">`,
    word(label, 0, left),
    word(message, left, right),
    '</g></svg>\n',
  ].join('')
}

function escaped(text: string): string {
  const signs: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[&<>"']/g, (sign) => signs[sign]!)
}
