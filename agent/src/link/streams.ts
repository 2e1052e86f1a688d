// Owns the two streams to the controller, each with a TCP connection of its own: opened, watched, given to who uses them.
import type { Config } from '../config.ts'
import type { Identity } from '../data-folder.ts'
import type { LogShipper } from '../log/log-shipper.ts'
import type { Log } from '../log.ts'
import type { Attempt } from './connect.ts'
import {
  type ControlMessage,
  createLinkClient,
  type LinkClient,
  type LinkError,
  type Pipe,
  parseTarget,
} from './rpc-client.ts'
import { type Session, type SessionHost, startSession } from './session.ts'

const STALL_CHECK_MS = 5000

export interface Streams {
  openControl(): Attempt
  openLogs(): Attempt
  /** Over the control stream; nothing when there is none. */
  send(message: ControlMessage): void
  isConnected(): boolean
  /** The control stream ends and another one begins, with a hello of what is so now. */
  greetAgain(): void
  /** Resolves when the controller has heard all that was sent so far, and what it had sent before has come; or the stream ends. */
  heard(): Promise<void>
}

export function createStreams(
  config: Config,
  identity: Identity,
  host: SessionHost,
  shipper: LogShipper,
  log: Log,
): Streams {
  const target = parseTarget(identity.url)
  let session: Session | undefined
  let control: Pipe<ControlMessage> | undefined
  let controlAttempt: Attempt | undefined

  /** One connection from its opening to its end, whoever ends it. `use` opens the stream and answers how to clean up. */
  function attempt(
    use: (
      client: LinkClient,
      heard: () => void,
      end: (error?: LinkError) => void,
    ) => { pipe: Pipe<never>; over(): void },
  ): Attempt {
    const client = createLinkClient(target, config.caFile)
    let useful = false
    let close = () => {}
    const closed = new Promise<{ useful: boolean; error: LinkError | undefined }>((resolve) => {
      let opened: { pipe: Pipe<never>; over(): void } | undefined
      const end = (error?: LinkError) => {
        opened?.over()
        client.close()
        resolve({ useful, error })
      }
      close = () => {
        opened?.pipe.close()
        end()
      }
      opened = use(client, () => (useful = true), end)
    })
    return { closed, close: () => close() }
  }

  const streams: Streams = {
    openControl() {
      const current = attempt((client, heard, end) => {
        let mine: Session | undefined
        const pipe = client.control(identity.agentSecret, {
          onMessage(message) {
            heard()
            mine?.onMessage(message)
          },
          onClose: end,
        })
        control = pipe
        mine = startSession(pipe, host, () => {
          log.warn('The controller has fallen silent.', { controller: target.address })
          current.close()
        })
        session = mine
        return {
          pipe,
          over() {
            mine.end()
            if (session === mine) session = undefined
          },
        }
      })
      controlAttempt = current
      return current
    },
    openLogs() {
      const current = attempt((client, heard, end) => {
        const pipe = client.logs(identity.agentSecret, {
          onMessage(message) {
            heard()
            shipper.onMessage(message)
          },
          onClose: end,
        })
        const watch = setInterval(() => {
          if (shipper.stalled()) current.close()
        }, STALL_CHECK_MS)
        shipper.use(pipe)
        return {
          pipe,
          over() {
            clearInterval(watch)
            shipper.use(undefined)
          },
        }
      })
      return current
    },
    send(message) {
      if (streams.isConnected()) control?.send(message)
    },
    greetAgain: () => controlAttempt?.close(),
    isConnected: () => session?.ready ?? false,
    heard: () => session?.heard() ?? Promise.resolve(),
  }
  return streams
}
