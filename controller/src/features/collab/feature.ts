// The live drafts, and the socket on which people edit them.
import { feature } from '../../feature.ts'
import { pipelinesFeature } from '../pipelines/index.ts'
import { collabRoute } from './collab-route.ts'
import { Rooms } from './rooms.ts'

export const collabFeature = feature({
  name: 'collab',
  entities: [],
  open({ db, bus, clock, log, workers }, from) {
    const rooms = new Rooms({ db, bus, clock, log, workers })
    from(pipelinesFeature).drafts.fill(rooms)
    const route = collabRoute({ db, log, rooms })
    return {
      sockets: [route],
      async stop() {
        route.stop()
        await rooms.stop()
      },
    }
  },
})
