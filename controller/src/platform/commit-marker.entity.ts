// A row that a transaction leaves so that whoever lost the answer to its COMMIT can find out: see Db.transaction.
import { defineEntity, p } from '@mikro-orm/core'

export const commitMarkerTable = 'commit_marker'

export const CommitMarkerEntity = defineEntity({
  name: 'CommitMarker',
  tableName: commitMarkerTable,
  properties: { id: p.string().length(36).primary() },
})
