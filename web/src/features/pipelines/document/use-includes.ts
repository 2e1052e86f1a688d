// The templates that the draft gets from elsewhere: only the controller can read them. It is asked when the draft includes something
// else, and again when somebody comes back to this tab, having changed it elsewhere.
import type { Include, IncludedTemplate, PipelineGraph, Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { onScopeDispose, ref, shallowRef } from 'vue'
import { api } from '../../../api.ts'

const askAfterMs = 300

export type Includes = ReturnType<typeof useIncludes>

export function useIncludes(pipelineId: string) {
  const included = shallowRef<readonly IncludedTemplate[]>([])
  const problems = shallowRef<readonly Problem[]>([])
  /** That could be included, of its repository; undefined: nobody has asked yet. */
  const files = shallowRef<readonly string[]>()
  /** Why it could not be looked for. */
  const error = shallowRef<unknown>()
  const busy = ref(false)
  let wanted: readonly Include[] = []
  let asked = '[]'
  let waiting: ReturnType<typeof setTimeout> | undefined
  let request = new AbortController()

  async function ask(): Promise<void> {
    asked = textOf(wanted)
    request.abort()
    request = new AbortController()
    const { signal } = request
    busy.value = true
    try {
      const answer = await api.pipelines.getIncludedTemplates({ pipelineId, include: [...wanted] }, { signal })
      included.value = answer.included
      problems.value = answer.problems
      files.value = answer.files
      error.value = undefined
    } catch (thrown) {
      if (signal.aborted) return
      error.value = thrown
      // Whoever does not know what there is misses nothing.
      included.value = []
      problems.value = []
    } finally {
      if (!signal.aborted) busy.value = false
    }
  }

  function soon(): void {
    clearTimeout(waiting)
    waiting = setTimeout(() => void ask(), askAfterMs)
  }
  function look({ include }: PipelineGraph): void {
    wanted = include
    if (textOf(wanted) === asked) return
    if (wanted.length > 0) {
      soon()
      return
    }
    // Nothing has to be asked for that.
    clearTimeout(waiting)
    request.abort()
    asked = '[]'
    busy.value = false
    included.value = []
    problems.value = []
    error.value = undefined
  }
  const again = () => !document.hidden && wanted.length > 0 && soon()
  document.addEventListener('visibilitychange', again)
  onScopeDispose(() => {
    clearTimeout(waiting)
    request.abort()
    document.removeEventListener('visibilitychange', again)
  })

  return {
    included,
    problems,
    files,
    error,
    busy,
    look,
    /** Somebody chooses among the files. */
    wantFiles: () => files.value === undefined && soon(),
  }
}

function textOf(include: readonly Include[]): string {
  return JSON.stringify(include.map(({ file, pipeline, version }) => [file, pipeline, version]))
}
