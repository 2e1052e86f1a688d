// Plain variables of organizations and projects.
import { feature } from '../../feature.ts'
import { VariableEntity } from './variable.entity.ts'
import { variablesApi } from './variables.api.ts'
import { deleteVariablesOf, deleteVariablesOfEnvironment } from './variables.ts'

export const variablesFeature = feature({
  name: 'variables',
  entities: [VariableEntity],
  open: ({ clock }) => ({
    services: [variablesApi({ clock })],
    deletions: [deleteVariablesOf],
    environmentDeletions: [deleteVariablesOfEnvironment],
  }),
})
