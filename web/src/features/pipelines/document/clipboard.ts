// What steps are as text on the system clipboard, and what a pasted text is.

const header = '# AnsFlow steps'

/** The file text that a copy puts on the clipboard. */
export function clipboardText(yaml: string): string {
  return `${header}\n${yaml}`
}

/** A pipeline file (ours or anyone's), a plain script, or nothing that makes a step. */
export function clipboardKind(text: string): 'pipeline' | 'script' | 'nothing' {
  const wanted = text.trim()
  if (wanted === '') return 'nothing'
  if (wanted.startsWith(header) || /^steps:\s*$/m.test(wanted) || /^steps:\s*\{/m.test(wanted)) return 'pipeline'
  // A page of prose or a picture's address is no script; lines that could be commands are.
  if (wanted.length > 64 * 1024 || /^[a-z]+:\/\/\S+$/i.test(wanted)) return 'nothing'
  return 'script'
}
