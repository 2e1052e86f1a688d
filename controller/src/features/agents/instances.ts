// Which process speaks for an agent: those that did so far, in the agent's row, and what a hello makes of them. Pure.
import type { Hello } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'

/** Processes of an agent that are remembered, to know one that comes back after another took its place. */
const remembered = 8
/** Behind the id of a process that is certain to have ended. */
const ended = '.'

export interface Speakers {
  /** Ids, the latest first, separated by spaces. */
  instances: string
  /** Which hello of the latest was heard. */
  helloNumber: number
}

export type Claim =
  | (Speakers & { isOther: boolean })
  /** The hello lay in a stream that has ended, and knows nothing of what came after it. */
  | 'late'
  /** Another process has taken its place, and it is there all the same. */
  | 'doubled'

type Words = Pick<Hello, 'instanceId' | 'helloNumber' | 'formerInstanceIds'>

export function claimBy({ instances, helloNumber: last }: Speakers, hello: Words): Claim {
  const { instanceId, helloNumber } = hello
  const known = words(instances)
  const isOther = instanceId !== (known[0] ?? '')
  if (known.includes(instanceId + ended)) return 'late'
  if (isOther && known.includes(instanceId)) return 'doubled'
  if (!isOther && helloNumber > 0 && helloNumber <= last) return 'late'
  if (!isOther) return { instances, helloNumber, isOther }
  const former = hello.formerInstanceIds.filter((id) => id !== instanceId)
  const others = known.filter((id) => !former.includes(id) && !former.includes(id.slice(0, -1)))
  const all = [instanceId, ...former.map((id) => id + ended), ...others].filter(Boolean).slice(0, remembered)
  return { instances: all.join(' '), helloNumber, isOther }
}

/** All but the latest are certain to have ended. */
export function isAlone(instances: string): boolean {
  return words(instances)
    .slice(1)
    .every((id) => id.endsWith(ended))
}

const words = (text: string) => text.split(' ').filter((word) => word.length > 0)
