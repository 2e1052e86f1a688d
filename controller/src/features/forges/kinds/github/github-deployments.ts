// Deployments of GitHub: a record of a commit and an environment, and statuses that are added to it.
import type { JsonObject } from '@bufbuild/protobuf'
import { type ForgeDeployment, ForgeError } from '../../forge.ts'
import { type Ask, idIn, idPath, queryOf, readAnswer } from '../../forge-http.ts'
import { isCommit, longestName, type Part } from '../../payload.ts'
import { longestDescription, statusText } from '../../said-to-forges.ts'

const name = 'GitHub'
const pageSize = 100

const states: Record<ForgeDeployment['state'], string> = {
  running: 'in_progress',
  succeeded: 'success',
  failed: 'failure',
  canceled: 'error',
  inactive: 'inactive',
}

/** Answers its id. `repository`: "/repos/acme/shop". */
export async function putGithubDeployment(
  ask: Ask,
  { repository, commit }: { repository: string; commit: string },
  deployment: ForgeDeployment,
  signal: AbortSignal,
): Promise<string> {
  if (!isCommit(commit)) throw new ForgeError('refused', 'A deployment is of a commit.')
  const all = `${repository}/deployments`
  const id = deployment.id || (await found()) || (await made())
  const statuses = `${all}/${idPath(id)}/statuses`
  const state = states[deployment.state]
  if (deployment.isAgain && (await isTold())) return id
  const status: JsonObject = {
    state,
    description: statusText(deployment.description, longestDescription),
    log_url: deployment.logUrl,
    ...(deployment.url !== '' && { environment_url: deployment.url }),
    // Which one it takes the place of is told by AnsFlow, of every environment.
    auto_inactive: false,
  }
  await ask('POST', statuses, signal, status)
  return id

  /** Whoever made it may not have heard of that. */
  async function found(): Promise<string | undefined> {
    const query = queryOf({ sha: commit, environment: environmentOf(deployment), per_page: pageSize })
    const { body } = await ask('GET', all + query, signal)
    const ours = readAnswer(name, () => body.items(pageSize)).find((each) => markOf(each) === deployment.mark)
    return ours && readAnswer(name, () => idIn(ours.at('id')))
  }

  async function made(): Promise<string> {
    const { body } = await ask('POST', all, signal, {
      ref: commit,
      task: 'deploy',
      environment: environmentOf(deployment),
      description: statusText(deployment.description, longestDescription),
      payload: { ansflow: deployment.mark },
      // It is deployed by now, whatever the checks of the commit come to.
      required_contexts: [],
      auto_merge: false,
      transient_environment: deployment.isPreview,
    })
    return readAnswer(name, () => idIn(body.at('id')))
  }

  async function isTold(): Promise<boolean> {
    const { body } = await ask('GET', statuses + queryOf({ per_page: 1 }), signal)
    const [last] = readAnswer(name, () => body.items(1))
    return last?.at('state').value === state && (last.at('environment_url').value ?? '') === deployment.url
  }
}

function environmentOf({ environment }: ForgeDeployment): string {
  return statusText(environment, longestName)
}

/** GitHub answers payloads as they were sent, older ones as text. */
function markOf(deployment: Part): unknown {
  const { value } = deployment.at('payload')
  if (typeof value !== 'string') return deployment.at('payload.ansflow').value
  try {
    return (JSON.parse(value) as { ansflow?: unknown } | null)?.ansflow
  } catch {
    return undefined
  }
}
