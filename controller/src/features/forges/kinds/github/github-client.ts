// GitHub's interface: api.github.com, or /api/v3 of a GitHub Enterprise Server.
import type { JsonObject } from '@bufbuild/protobuf'
import { addressOf, appKey, bearer, secretsOf, tokenOnly } from '../../access.ts'
import { type CommitStatus, type ForgeAccess, type ForgeClient, ForgeError, type ForgeRepository } from '../../forge.ts'
import {
  type Ask,
  createForgeHttp,
  eachPage,
  type ForgeRequest,
  idIn,
  idPath,
  queryOf,
  readAnswer,
  repositoryPath,
} from '../../forge-http.ts'
import { hookAt } from '../../hook-at.ts'
import { personPath, pushingRoles, unlessUnknown } from '../../may-push.ts'
import { issueComments, putOwnComment } from '../../own-comment.ts'
import { isCommit, longestName, type Part } from '../../payload.ts'
import { putRequest, type RequestFields, requestWords } from '../../pull-request.ts'
import { longestDescription, mostFound, statusText, unlessMayDeploy } from '../../said-to-forges.ts'
import { appStatement, forgetToken, installationToken } from './github-app.ts'
import { putCheck } from './github-checks.ts'
import { putGithubDeployment } from './github-deployments.ts'
import { hookEvents, pullRequestFacts } from './github-events.ts'

const name = 'GitHub'
const pageSize = 100
const plain = [
  ['accept', 'application/vnd.github+json'],
  ['x-github-api-version', '2022-11-28'],
] as const

/** Of statuses: GitHub has no word for what runs, and none for what was canceled. */
const states: Record<CommitStatus['state'], string> = {
  pending: 'pending',
  running: 'pending',
  succeeded: 'success',
  failed: 'failure',
  canceled: 'error',
}

type Asked = Pick<ForgeRequest, 'method' | 'path' | 'body'>

export function githubClient({ url, credentials, outbound }: ForgeAccess): ForgeClient {
  const address = addressOf(url)
  const http = createForgeHttp(name, apiOf(address), outbound)
  const app = credentials.kind === 'app' ? appKey(credentials) : undefined
  const given = credentials.kind === 'app' ? undefined : tokenOnly(credentials)

  /** `repository`: the one that an app's token is for; empty: all that it is installed in. */
  async function ask(request: Asked, repository: string, signal: AbortSignal) {
    if (given) {
      const headers = given.kind === 'token' ? [...plain, bearer(given.token)] : plain
      return http.ask({ ...request, headers, secrets: secretsOf(given) }, signal)
    }
    const { token } = await installationToken({ http, address, app: app! }, repository, {}, signal)
    try {
      return await http.ask({ ...request, headers: [...plain, bearer(token)], secrets: [token] }, signal)
    } catch (error) {
      if (error instanceof ForgeError && error.fault === 'denied') forgetToken(token)
      throw error
    }
  }

  /** Of one repository. */
  const askIn =
    (fullName: string): Ask =>
    (method, path, signal, body) =>
      ask({ method, path, ...(body && { body }) }, fullName, signal)

  /** What the app itself is asked, whatever it is installed in. */
  function askApp(request: Asked, signal: AbortSignal) {
    const statement = appStatement(app!, Date.now())
    return http.ask({ ...request, headers: [...plain, bearer(statement)], secrets: [statement] }, signal)
  }

  async function installation(signal: AbortSignal) {
    const { body } = await askApp({ method: 'GET', path: `/app/installations/${app!.installationId}` }, signal)
    if (!body.at('suspended_at').isNothing) throw new ForgeError('denied', 'The installation of the app is suspended.')
    return readAnswer(name, () => ({
      name: body.at('app_slug').name(),
      scopes: permissionsOf(body.at('permissions')),
    }))
  }

  async function ownName(signal: AbortSignal): Promise<string> {
    const { body } = await ask({ method: 'GET', path: '/user' }, '', signal)
    return readAnswer(name, () => body.at('login').name())
  }

  /** False: the app may not make checks. */
  async function isCheck(fullName: string, commit: string, status: CommitStatus, signal: AbortSignal) {
    const repository = `/repos/${repositoryPath(fullName)}`
    try {
      await putCheck(askIn(fullName), { repository, appId: app!.appId, commit }, status, signal)
      return true
    } catch (error) {
      if (error instanceof ForgeError && error.fault === 'denied') return false
      throw error
    }
  }

  return {
    async whoAmI(signal) {
      if (app) return installation(signal)
      const { body, headers } = await ask({ method: 'GET', path: '/user' }, '', signal)
      const scopes = String(headers['x-oauth-scopes'] ?? '').split(',')
      const end = Date.parse(String(headers['github-authentication-token-expiration'] ?? '').replace(' UTC', 'Z'))
      return {
        name: readAnswer(name, () => body.at('login').name()),
        scopes: scopes.map((each) => each.trim()).filter((each) => each !== ''),
        ...(Number.isNaN(end) ? {} : { expiresAt: new Date(end) }),
      }
    },

    async repository(fullName, signal) {
      const path = `/repos/${repositoryPath(fullName)}`
      const { body } = await ask({ method: 'GET', path }, fullName, signal)
      return readAnswer(name, () => repositoryOf(body))
    },

    async search(text, signal) {
      const found: ForgeRepository[] = []
      const wanted = text.trim().toLowerCase()
      await eachPage(
        pageSize,
        async (page) => {
          const path = app
            ? `/installation/repositories${queryOf({ per_page: pageSize, page })}`
            : `/user/repos${queryOf({ per_page: pageSize, page, sort: 'pushed' })}`
          const { body } = await ask({ method: 'GET', path }, '', signal)
          return readAnswer(name, () => (app ? body.at('repositories') : body).items(pageSize))
        },
        (items) => {
          const all = readAnswer(name, () => items.map(repositoryOf))
          found.push(...all.filter(({ fullName }) => fullName.toLowerCase().includes(wanted)))
          return found.length >= mostFound
        },
      )
      return found.slice(0, mostFound)
    },

    async putHook(fullName, hook, signal) {
      const hooks = `/repos/${repositoryPath(fullName)}/hooks`
      const id = await hookAt(hook.url, {
        name,
        pageSize,
        async page(page) {
          const path = `${hooks}${queryOf({ per_page: pageSize, page })}`
          const { body } = await ask({ method: 'GET', path }, fullName, signal)
          return readAnswer(name, () => body.items(pageSize))
        },
        urlOf: (each) => each.at('config.url'),
        idOf: (each) => each.at('id'),
      })
      const path = id === undefined ? hooks : `${hooks}/${id}`
      const config = { url: hook.url, content_type: 'json', insecure_ssl: '0', secret: hook.secret }
      const body: JsonObject = { ...(id === undefined && { name: 'web' }), active: true, events: hookEvents, config }
      const answer = await ask({ method: id === undefined ? 'POST' : 'PATCH', path, body }, fullName, signal)
      return readAnswer(name, () => idIn(answer.body.at('id')))
    },

    async deleteHook(fullName, hookId, signal) {
      const path = `/repos/${repositoryPath(fullName)}/hooks/${idPath(hookId)}`
      await ask({ method: 'DELETE', path }, fullName, signal)
    },

    async pullRequest(fullName, number, signal) {
      const path = `/repos/${repositoryPath(fullName)}/pulls/${number}`
      const { body } = await ask({ method: 'GET', path }, fullName, signal)
      return readAnswer(name, () => pullRequestFacts(body, fullName))
    },

    async putPullRequest(fullName, request, signal) {
      const pulls = `/repos/${repositoryPath(fullName)}/pulls`
      const { head, base } = request
      const query = queryOf({ state: 'open', head: `${fullName.split('/')[0]}:${head}`, base, per_page: 1 })
      const { body } = await ask({ method: 'GET', path: pulls + query }, fullName, signal)
      const [open] = readAnswer(name, () => body.items(1))
      return putRequest(requestFields, open, async (number) => {
        const said = { ...requestWords(request) }
        const change = { method: 'PATCH', path: `${pulls}/${number}`, body: said } as const
        const make = { method: 'POST', path: pulls, body: { ...said, head, base } } as const
        return (await ask(number === undefined ? make : change, fullName, signal)).body
      })
    },

    hasChecks: app !== undefined,

    async putStatus(fullName, commit, status, signal) {
      if (!isCommit(commit)) throw new ForgeError('refused', 'A status is of a commit.')
      if (app && (await isCheck(fullName, commit, status, signal))) return
      const path = `/repos/${repositoryPath(fullName)}/statuses/${commit}`
      const body: JsonObject = {
        state: states[status.state],
        context: statusText(status.name, longestName),
        description: statusText(status.description, longestDescription),
        ...(status.url !== '' && { target_url: status.url }),
      }
      await ask({ method: 'POST', path, body }, fullName, signal)
    },

    putComment(fullName, number, comment, signal) {
      const at = issueComments(name, `/repos/${repositoryPath(fullName)}`, number)
      // An app writes by a name of its own.
      const own = async () => (app ? `${(await installation(signal)).name}[bot]` : ownName(signal))
      return putOwnComment(askIn(fullName), own, at, comment, signal)
    },

    async putDeployment(fullName, commit, deployment, signal) {
      const made = { repository: `/repos/${repositoryPath(fullName)}`, commit }
      try {
        return await putGithubDeployment(askIn(fullName), made, deployment, signal)
      } catch (error) {
        const need = app
          ? 'the app needs the permission “Deployments: read and write”'
          : 'the token needs repo_deployment, or “Deployments: read and write”'
        throw unlessMayDeploy(error, need)
      }
    },

    async mayPush(fullName, person, signal) {
      const user = personPath(person)
      if (user === undefined) return false
      const path = `/repos/${repositoryPath(fullName)}/collaborators/${user}/permission`
      const role = async () => {
        const { body } = await ask({ method: 'GET', path }, fullName, signal)
        return readAnswer(name, () => pushingRoles.includes(body.at('permission').shown(longestName)))
      }
      return unlessUnknown(role())
    },

    async gitCredentials(fullName, signal, isPush = false) {
      repositoryPath(fullName)
      if (given)
        return given.kind === 'token'
          ? { kind: 'password', username: 'x-access-token', password: given.token }
          : undefined
      const permissions = { contents: isPush ? 'write' : 'read', metadata: 'read' }
      const made = await installationToken({ http, address, app: app! }, fullName, permissions, signal)
      return { kind: 'password', username: 'x-access-token', password: made.token, expiresAt: made.expiresAt }
    },
  }
}

const requestFields: RequestFields = {
  name,
  number: (request) => request.at('number'),
  url: (request) => request.at('html_url'),
}

function apiOf(address: string): string {
  return /^https:\/\/(www\.)?github\.com$/.test(address) ? 'https://api.github.com' : `${address}/api/v3`
}

/** "contents:read". */
function permissionsOf(permissions: Part): string[] {
  const { value } = permissions
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.keys(value)
    .slice(0, 100)
    .map((key) => `${key}:${permissions.at(key).shownOrNone(20)}`)
}

function repositoryOf(repository: Part): ForgeRepository {
  return {
    fullName: repository.at('full_name').repository(),
    cloneUrl: repository.at('clone_url').link(),
    webUrl: repository.at('html_url').link(),
    defaultBranch: repository.at('default_branch').shown(longestName),
    isPrivate: repository.at('private').flag(),
    description: repository.at('description').shown(1000),
  }
}
