// Many open WebSockets in one process, and when each heard what.
import { waitFor } from '../../setup/wait-for.ts'
import { answer } from '../child.ts'
import { now } from '../now.ts'
import { openRawSocket, type RawSocket } from './raw-socket.ts'

export interface Follow {
  url: string
  count: number
  /** Taken in turns. */
  headers: Record<string, string>[]
  /** Said by each when it is open. */
  request?: string
}

/** By text, when it came to each; what is the same for all comes in the same words. */
export type Heard = [text: string, at: number[]][]

const sockets: RawSocket[] = []
const heard = new Map<string, number[]>()

function hear(text: string): void {
  const at = now()
  const known = heard.get(text)
  if (known) known.push(at)
  else heard.set(text, [at])
}

answer({
  /** Resolves when all are open and, if something was requested, answered. */
  async follow({ url, count, headers, request }: Follow): Promise<void> {
    const places = Array.from({ length: count }, (_, n) => n).values()
    const lane = async () => {
      for (const n of places) {
        const socket = await openRawSocket(url, headers[n % headers.length] ?? {}, `127.0.1.${1 + (n % 100)}`, hear)
        sockets.push(socket)
        if (request) socket.send(request)
      }
    }
    await Promise.all(Array.from({ length: 20 }, lane))
    const answered = () =>
      [...heard].reduce((sum, [text, at]) => sum + (text.includes('"subscribed"') ? at.length : 0), 0)
    if (request)
      await waitFor(() => answered() >= count, { what: `${count} followers are subscribed`, timeoutMs: 60_000 })
  },

  /** Resolves with all that was heard, when this was heard by all. */
  async heard({ last }: { last: string }): Promise<Heard> {
    const byAll = () => [...heard].some(([text, at]) => text.includes(last) && at.length === sockets.length)
    await waitFor(byAll, { what: `all have heard ${last}`, timeoutMs: 60_000 })
    return [...heard]
  },
})
