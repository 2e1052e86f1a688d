// Where a badge is, and what to paste into pages that show it.
export type BadgePicture = 'status' | 'duration' | 'coverage'

export interface BadgeChoice {
  picture: BadgePicture
  /** Empty: the usual one. */
  branch: string
  label: string
  language: string
}

/** `base`: "https://ansflow.example.org/badges/<pipeline>/<token>". */
export function badgeAddress(base: string, { picture, branch, label, language }: BadgeChoice): string {
  const query = new URLSearchParams()
  if (branch !== '') query.set('branch', branch)
  if (label !== '') query.set('label', label)
  if (language !== 'en') query.set('lang', language)
  const asked = query.toString()
  return `${base}/${picture}.svg${asked === '' ? '' : `?${asked}`}`
}

/** `page`: where it leads to. */
export function badgeSnippets(
  address: string,
  page: string,
  name: string,
): Record<'markdown' | 'html' | 'asciidoc', string> {
  const html = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  const words = (text: string, signs: RegExp) => text.replace(/\s+/g, ' ').replace(signs, '\\$&')
  return {
    markdown: `[![${words(name, /[\\`*_[\]<>!&]/g)}](${address})](${page})`,
    html: `<a href="${html(page)}"><img src="${html(address)}" alt="${html(name)}" height="20"></a>`,
    asciidoc: `image:${address}["${words(name.replaceAll('"', '″'), /]/g)}",link="${page}"]`,
  }
}
