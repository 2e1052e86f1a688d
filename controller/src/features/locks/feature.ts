// What runs and steps must have to themselves before they begin: places in groups, and locks.
import { sql } from 'kysely'
import { feature } from '../../feature.ts'
import { deleteRows } from '../../platform/delete-rows.ts'
import { projectsFeature } from '../projects/index.ts'
import { runsFeature } from '../runs/index.ts'
import { LockClaimEntity, LockLineEntity, LockWantEntity } from './lock.entity.ts'
import { lockParticipant } from './lock-participant.ts'
import type { LockTables } from './lock-tables.ts'
import { tellRuns, tellUntold } from './tell-runs.ts'

export const locksFeature = feature({
  name: 'locks',
  entities: [LockLineEntity, LockClaimEntity, LockWantEntity],
  open({ db, bus, log }, from) {
    const { driver } = from(runsFeature)
    const { jobLimits } = from(projectsFeature)
    return {
      participants: [
        lockParticipant({
          db,
          limits: jobLimits.all,
          tell: (notices) => void tellRuns({ driver, log }, notices),
          freed: (organizationId) => bus.publish('project.freed', { organizationId }),
        }),
      ],
      loops: [{ name: 'locks', everyMs: 2000, run: () => tellUntold({ db, log, driver }) }],
      deletions: [
        async (em, projectId) => {
          const tables = em.getKysely<LockTables>()
          const ofIt = sql`project_id = ${projectId}`
          for (const table of ['lock_want', 'lock_claim', 'lock_line'] as const) await deleteRows(tables, table, ofIt)
        },
      ],
    }
  },
})
