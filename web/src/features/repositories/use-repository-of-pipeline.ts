// The repository that a pipeline is a file of.
import type { Pipeline } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { api } from '../../api.ts'
import { useLoad } from '../../ui/use-async.ts'

/** Undefined while it is not known, and where the pipeline is kept in AnsFlow. */
export function useRepositoryOfPipeline(pipeline: () => Pick<Pipeline, 'repositoryId'> | undefined) {
  const repositoryId = () => pipeline()?.repositoryId ?? ''
  const { data } = useLoad(
    async (signal) => {
      if (repositoryId() === '') return undefined
      return (await api.repositories.getRepository({ repositoryId: repositoryId() }, { signal })).repository
    },
    { on: repositoryId },
  )
  return data
}
