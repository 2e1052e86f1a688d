// What others have called things, in Markdown that every forge shows as it was meant: as code nothing in it is a mention, a link, a
// picture or the end of a table's cell.

/** Never empty. */
export function code(text: string, most = 80): string {
  const plain = text
    .slice(0, most * 2)
    .toWellFormed()
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .replaceAll('`', 'ˋ')
    .trim()
  const cut = cutText(plain, most)
  // In tables a bar ends a cell even in code. A backslash before it would be one more.
  return cut === '' ? '`?`' : `\`${cut.replace(/\\+$/, '').replaceAll('|', '¦') || '?'}\``
}

/** `address`: of AnsFlow, with what others have named encoded in it. */
export function link(text: string, address: string): string {
  return `[${text}](${address.replace(/[()<>\s]/g, encodeSign)})`
}

/** Lines as they are, whatever is in them. */
export function block(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)))
  const fence = '`'.repeat(longest + 1)
  return [`${fence}text`, ...lines, fence].join('\n')
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

export function cutText(text: string, most: number): string {
  const letters = Array.from(text)
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text
}

/** "1 h 3 min", "12 s". */
export function duration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}

function encodeSign(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
