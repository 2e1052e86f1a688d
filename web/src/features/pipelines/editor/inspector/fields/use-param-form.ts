// The form of a step's parameters: its fields, and what is wrong with each.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { stepType, validateParams } from '@ansflow/proto/steps/index'
import { computed } from 'vue'
import { currentLanguage } from '../../../../../i18n.ts'
import { formFields } from '../../../forms/form-fields.ts'
import { textOfSaid } from '../../../problem-text.ts'
import { useEditor } from '../../editor-context.ts'

export function useParamForm(step: () => StepDefinition) {
  const type = computed(() => stepType(step().uses))
  const editor = useEditor()
  const form = computed(() => {
    const inherited = editor.doc.graph.value.defaults?.with ?? {}
    return formFields(type.value, step().with ?? {}, currentLanguage(), inherited)
  })
  const errors = computed(() => {
    const found = new Map<string, string>()
    if (!type.value) return found
    for (const { field, said } of validateParams(type.value, step().with ?? {})) {
      if (!found.has(field)) found.set(field, textOfSaid(said))
    }
    return found
  })
  return { type, form, errors }
}
