// What is said of a text that was typed as YAML and is not in the pipeline: where its error is, or that it is refused as a whole.
import { i18n } from '../../../../i18n.ts'
import type { BrokenYaml } from '../editor-context.ts'

export function brokenText(
  key: 'broken' | 'brokenShort' | 'leaveText' | 'runText',
  { faults }: Pick<BrokenYaml, 'faults'>,
): string {
  const line = faults[0]?.line ?? 0
  return line > 0 ? i18n.global.t(`pipelines.yaml.${key}`, { line }) : i18n.global.t(`pipelines.yaml.whole.${key}`)
}
