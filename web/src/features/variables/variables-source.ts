// Where variables come from and how they are changed: the organization, or one of its projects.
import type { Variable } from '@ansflow/proto/gen/ansflow/v1/variables_pb'

export interface VariablesSource {
  /** `inherited`: of the organization, of a project. */
  list(signal: AbortSignal): Promise<{ variables: Variable[]; inherited: Variable[]; ofProject?: Variable[] }>
  /** They are of an environment: then `ofProject` stands between. */
  isOfEnvironment?: boolean
  put(name: string, value: string): Promise<unknown>
  remove(name: string): Promise<unknown>
}
