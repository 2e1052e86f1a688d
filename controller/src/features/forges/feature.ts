// Forges: connections to them, and what they are asked.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { feature, port } from '../../feature.ts'
import { secretsFeature } from '../secrets/index.ts'
import { ConnectionEntity } from './connection.entity.ts'
import { type ConnectedRepositories, connectionsApi } from './connections.api.ts'
import { createConnections } from './connections.ts'

export const forgesFeature = feature({
  name: 'forges',
  entities: [ConnectionEntity],
  open({ db, clock, outbound }, from) {
    const { sealedValues } = from(secretsFeature)
    const connections = createConnections({ db, clock, outbound, sealedValues })
    const connected = port<ConnectedRepositories>('connected repositories')
    return {
      services: [connectionsApi({ clock, connections, connected })],
      scopes: {
        async [Resource.CONNECTION](em, id) {
          const row = await connections.find(em, id)
          if (!row) return undefined
          const { organizationId, projectId } = row
          return projectId ? { organizationId, projectId } : { organizationId }
        },
      },
      deletions: [
        async (em, projectId) => {
          const rows = await em.find(ConnectionEntity, { projectId }, { fields: ['id'] })
          const ids = rows.map((row) => row.id)
          await connections.forget(em, ids)
          await em.nativeDelete(ConnectionEntity, { projectId })
        },
      ],
      gives: { connections, connected },
    }
  },
})
