// Where a problem is, in the words of the canvas; of what was typed as YAML and cannot be read, its line.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { i18n } from '../../../i18n.ts'
import { useEditor } from './editor-context.ts'

export function useProblemPlace() {
  const { doc, brokenYaml } = useEditor()
  const { t } = i18n.global
  /** Typed here: nobody else sees it. */
  const isTyped = (problem: Problem) => brokenYaml.value?.faults.includes(problem) ?? false
  const titleOf = (key: string) => doc.graph.value.steps.find((step) => step.id === key)?.name || key

  function placeOf(problem: Problem): string {
    if (isTyped(problem))
      return problem.line > 0 ? t('pipelines.problems.line', { line: problem.line }) : t('pipelines.yaml.label')
    return problem.stepId ? titleOf(problem.stepId) : t('pipelines.settings.title')
  }
  return { isTyped, placeOf }
}
