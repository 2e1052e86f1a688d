// By whom the commit of a run is, as lists of runs are asked for it.
import type { RunOrigin } from '@ansflow/proto/gen/ansflow/v1/runs_pb'

/** Of "Name <mail>", in small letters; empty: it is not known. */
export function authorMail({ git }: Pick<RunOrigin, 'git'>): string {
  const [, mail = ''] = /<([^<>]*)>\s*$/.exec(git?.author ?? '') ?? []
  return mail.trim().toLowerCase().slice(0, 255)
}
