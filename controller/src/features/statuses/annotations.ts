// What steps have told people of files, as remarks at lines of the repository.
import { AnnotationLevel } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import type { StatusAnnotation } from '../forges/index.ts'
import type { RunAnnotation } from '../reports/index.ts'

/** Of one run, errors first. */
export const mostAnnotations = 200

/** Undefined: it is of no file of the repository. */
export function annotationOf({
  level,
  file,
  line,
  endLine,
  title,
  message,
}: RunAnnotation): StatusAnnotation | undefined {
  const path = pathOf(file)
  if (path === undefined) return undefined
  const first = Math.max(1, line)
  const levels = { [AnnotationLevel.ERROR]: 'error', [AnnotationLevel.WARNING]: 'warning' } as const
  return {
    path,
    line: first,
    endLine: Math.max(first, endLine),
    level: levels[level as keyof typeof levels] ?? 'notice',
    title,
    message,
  }
}

/** Below where the repository was fetched to. */
function pathOf(file: string): string | undefined {
  const parts = file.trim().replaceAll('\\', '/').split('/')
  if (parts[0] === '' || /^[A-Za-z]:$/.test(parts[0]!) || parts.includes('..')) return undefined
  const path = parts.filter((part) => part !== '' && part !== '.').join('/')
  return path === '' ? undefined : path
}
