// Deployments of GitLab: a record of a commit and an environment, which is made with it and may be given its address.
import type { JsonObject } from '@bufbuild/protobuf'
import { type ForgeDeployment, ForgeError } from '../../forge.ts'
import { type Ask, idIn, idPath, queryOf, readAnswer } from '../../forge-http.ts'
import { isCommit, longestName } from '../../payload.ts'
import { statusText } from '../../said-to-forges.ts'

const name = 'GitLab'
const pageSize = 20

/** What takes the place of another one is seen by GitLab itself. */
const states: Record<Exclude<ForgeDeployment['state'], 'inactive'>, string> = {
  running: 'running',
  succeeded: 'success',
  failed: 'failed',
  canceled: 'canceled',
}

/** Answers its id. `project`: "/projects/acme%2Fshop". */
export async function putGitlabDeployment(
  ask: Ask,
  { project, commit }: { project: string; commit: string },
  deployment: ForgeDeployment,
  signal: AbortSignal,
): Promise<string> {
  if (!isCommit(commit)) throw new ForgeError('refused', 'A deployment is of a commit.')
  if (deployment.state === 'inactive') return deployment.id
  const environment = statusText(deployment.environment, longestName)
  const all = `${project}/deployments`
  const status = states[deployment.state]
  // Whoever has told its beginning may not have heard of that.
  const mayBeThere = deployment.isAgain || deployment.state !== 'running'
  const known = deployment.id || (mayBeThere ? await found() : undefined)
  const id = known === undefined ? await made() : await changed(known)
  if (deployment.state === 'succeeded' && deployment.url !== '') await putAddress()
  return id

  async function made(): Promise<string> {
    const of: JsonObject = { environment, sha: commit, ref: deployment.ref || commit, tag: deployment.isTag, status }
    const { body } = await ask('POST', all, signal, of)
    return readAnswer(name, () => idIn(body.at('id')))
  }

  async function changed(id: string): Promise<string> {
    try {
      await ask('PUT', `${all}/${idPath(id)}`, signal, { status })
    } catch (error) {
      // GitLab refuses to be told again what it knows.
      const isKnown = error instanceof ForgeError && error.fault === 'refused' && (await statusOf(id)) === status
      if (!isKnown) throw error
    }
    return id
  }

  async function statusOf(id: string): Promise<unknown> {
    return (await ask('GET', `${all}/${idPath(id)}`, signal)).body.at('status').value
  }

  /** Made and not heard of: the newest of this commit there that no job of GitLab's has made. */
  async function found(): Promise<string | undefined> {
    const query = queryOf({ environment, order_by: 'id', sort: 'desc', per_page: pageSize })
    const { body } = await ask('GET', all + query, signal)
    const ours = readAnswer(name, () => body.items(pageSize)).find((each) => {
      const stands = each.at('status').value
      return (
        each.at('sha').value === commit &&
        each.at('deployable').isNothing &&
        (stands === 'running' || stands === status)
      )
    })
    return ours && readAnswer(name, () => idIn(ours.at('id')))
  }

  /** Of the environment, which the record has made if there was none. */
  async function putAddress(): Promise<void> {
    const { body } = await ask('GET', `${project}/environments${queryOf({ name: environment, per_page: 1 })}`, signal)
    const [there] = readAnswer(name, () => body.items(1))
    if (!there || there.at('external_url').value === deployment.url) return
    const id = readAnswer(name, () => idIn(there.at('id')))
    await ask('PUT', `${project}/environments/${id}`, signal, { external_url: deployment.url })
  }
}
