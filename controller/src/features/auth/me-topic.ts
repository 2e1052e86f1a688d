// What a person may do, on /live: told when they come, and whenever it is another, so that open pages follow.

import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { createBell } from '../../platform/watch.ts'
import type { LiveTopic } from '../../transport/live/live-topic.ts'
import { type OrganizationsById, presentMe } from './me.ts'

export function meTopic(db: Db, organizationsById: OrganizationsById): LiveTopic {
  return {
    pattern: 'me',
    access: 'self',
    async open(_params, _from, visitor) {
      let seq = 0
      return {
        stream: uuidv7(),
        seq: () => seq,
        restarts: true,
        async *frames(signal) {
          const bell = createBell()
          const end = visitor.onChange(bell.ring)
          signal.addEventListener('abort', bell.ring)
          try {
            while (!signal.aborted && visitor.caller.kind === 'user') {
              const value = await presentMe(db.em(), visitor.caller, organizationsById)
              yield { type: 'event', seq: ++seq, kind: { case: 'me', value } }
              await bell.wait()
            }
          } finally {
            signal.removeEventListener('abort', bell.ring)
            end()
          }
        },
      }
    },
  }
}
