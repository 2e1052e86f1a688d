// Paths of steps: relative, and never out of the workspace.

/** True for "" and for relative paths without "..", NUL or a leading "-" (which programs would read as an option). */
export function isInsidePath(path: string): boolean {
  if (path === '') return true
  if (/^[/\\~-]/.test(path) || /^[A-Za-z]:/.test(path) || path.includes('\0') || path.includes('\n')) return false
  return !path.split(/[/\\]/).includes('..')
}
