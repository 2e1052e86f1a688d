// Projects.
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { feature } from '../../feature.ts'
import { ProjectEntity } from './project.entity.ts'
import { projectScope } from './project-scope.ts'
import { projectsApi } from './projects.api.ts'

export const projectsFeature = feature({
  name: 'projects',
  entities: [ProjectEntity],
  open({ bus, clock, features }) {
    // What came later is built on what came before, so it goes first.
    const deletions = () => features.toReversed().flatMap((each) => each.deletions ?? [])
    return {
      services: [projectsApi({ bus, clock, deletions })],
      scopes: { [Resource.PROJECT]: projectScope },
    }
  },
})
