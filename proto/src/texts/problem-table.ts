// Every sentence about what is wrong with a pipeline, or with running it again, once, with its parameters and in both languages. To add one: its entry in
// the file of its kind.
import { ofDeliveries } from './of-deliveries.ts'
import { ofExpressions } from './of-expressions.ts'
import { ofFiles } from './of-files.ts'
import { ofGraphs } from './of-graphs.ts'
import { ofMatrices } from './of-matrices.ts'
import { ofParams } from './of-params.ts'
import { ofReruns } from './of-reruns.ts'
import { ofSurroundings } from './of-surroundings.ts'
import { ofTemplates } from './of-templates.ts'
import { ofTriggers } from './of-triggers.ts'
import { ofValues } from './of-values.ts'

export const problemTexts = {
  ...ofGraphs,
  ...ofMatrices,
  ...ofValues,
  ...ofParams,
  ...ofExpressions,
  ...ofFiles,
  ...ofReruns,
  ...ofSurroundings,
  ...ofTemplates,
  ...ofTriggers,
  ...ofDeliveries,
}

export type ProblemTexts = typeof problemTexts
