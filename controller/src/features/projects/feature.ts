// Projects.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { feature } from '../../feature.ts'
import { jobLimitBook } from './job-limits.ts'
import { ProjectEntity } from './project.entity.ts'
import { projectScope } from './project-scope.ts'
import { projectsApi } from './projects.api.ts'

/** A limit whose news was lost is heeded after this long at the latest. */
const limitsEveryMs = 10_000

export const projectsFeature = feature({
  name: 'projects',
  entities: [ProjectEntity],
  async open({ db, bus, clock, log, features }) {
    // What came later is built on what came before, so it goes first.
    const deletions = () => features.toReversed().flatMap((each) => each.deletions ?? [])
    const jobLimits = jobLimitBook(db)
    await jobLimits.read()
    const stop = bus.subscribe('project.limited', () => {
      jobLimits.read().catch((error: unknown) => log.warn({ err: error }, 'limits of projects could not be read yet'))
    })
    return {
      services: [projectsApi({ bus, clock, deletions })],
      scopes: { [Resource.PROJECT]: projectScope },
      loops: [{ name: 'limits of projects', everyMs: limitsEveryMs, run: jobLimits.read }],
      gives: { jobLimits },
      stop,
    }
  },
})
