// The project of the address: loaded once by the frame, given to the pages inside it.
import type { Project } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { type InjectionKey, inject, type ShallowRef } from 'vue'
import { api } from '../../api.ts'
import { type Loaded, useLoad } from '../../ui/use-async.ts'

export interface CurrentProject {
  project: Readonly<ShallowRef<Project>>
  reload: () => Promise<void>
}

export const currentProject: InjectionKey<CurrentProject> = Symbol('project')

/** Inside a page whose route has `meta.frame: 'project'`. */
export function useProject(): CurrentProject {
  const found = inject(currentProject)
  if (!found) throw new Error('useProject works only in routes with meta.frame "project"')
  return found
}

/** For pages without the frame: loads by slug, again when it changes. */
export function useProjectBySlug(slug: () => string): Loaded<Project> {
  return useLoad(
    async (signal) => {
      const { project } = await api.projects.getProject({ projectId: slug() }, { signal })
      if (!project) throw new Error('the answer has no project')
      return project
    },
    { on: slug },
  )
}
