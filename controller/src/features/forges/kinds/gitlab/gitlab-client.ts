// GitLab's interface, /api/v4. A project is named by its whole path, as one part of the address.
import { addressOf, secretsOf, tokenOnly } from '../../access.ts'
import { type CommitStatus, type ForgeAccess, type ForgeClient, ForgeError, type ForgeRepository } from '../../forge.ts'
import type { PullRequestFacts } from '../../forge-event.ts'
import {
  askWith,
  createForgeHttp,
  type ForgeAnswer,
  idIn,
  idPath,
  queryOf,
  readAnswer,
  repositoryPath,
} from '../../forge-http.ts'
import { hookAt } from '../../hook-at.ts'
import { personPath, unlessUnknown } from '../../may-push.ts'
import { type CommentsAt, putOwnComment } from '../../own-comment.ts'
import { isCommit, longestName, type Part } from '../../payload.ts'
import { putRequest, type RequestFields, requestWords } from '../../pull-request.ts'
import { longestTitle, mostLabels } from '../../read-events.ts'
import { longestDescription, mostFound, statusText, unlessMayDeploy } from '../../said-to-forges.ts'
import { putGitlabDeployment } from './gitlab-deployments.ts'

const name = 'GitLab'
/** Whoever has this level of access, or a higher one, may push. */
const developer = 30
const pageSize = 100

const states: Record<CommitStatus['state'], string> = {
  pending: 'pending',
  running: 'running',
  succeeded: 'success',
  failed: 'failed',
  canceled: 'canceled',
}

const hookEvents = {
  push_events: true,
  tag_push_events: true,
  merge_requests_events: true,
  note_events: true,
  releases_events: true,
}

export function gitlabClient({ url, credentials, outbound }: ForgeAccess): ForgeClient {
  const given = tokenOnly(credentials)
  const http = createForgeHttp(name, `${addressOf(url)}/api/v4`, outbound)
  const ask = askWith(http, given.kind === 'token' ? [['private-token', given.token]] : [], secretsOf(given))
  const projectPath = (fullName: string) => `/projects/${repositoryPath(fullName).replaceAll('/', '%2F')}`

  async function ownName(signal: AbortSignal): Promise<string> {
    const { body } = await ask('GET', '/user', signal)
    return readAnswer(name, () => body.at('username').name())
  }

  return {
    async whoAmI(signal) {
      const userName = await ownName(signal)
      const token = await tokenOf(ask('GET', '/personal_access_tokens/self', signal))
      return { name: userName, ...token }
    },

    async repository(fullName, signal) {
      const { body } = await ask('GET', projectPath(fullName), signal)
      return readAnswer(name, () => projectOf(body))
    },

    async search(text, signal) {
      const search = text.trim()
      const query = queryOf({
        membership: 'true',
        order_by: 'last_activity_at',
        per_page: mostFound,
        ...(search !== '' && { search, search_namespaces: 'true' }),
      })
      const { body } = await ask('GET', `/projects${query}`, signal)
      return readAnswer(name, () => body.items(mostFound).map(projectOf))
    },

    async putHook(fullName, hook, signal) {
      const hooks = `${projectPath(fullName)}/hooks`
      const id = await hookAt(hook.url, {
        name,
        pageSize,
        async page(page) {
          const { body } = await ask('GET', `${hooks}${queryOf({ per_page: pageSize, page })}`, signal)
          return readAnswer(name, () => body.items(pageSize))
        },
        urlOf: (each) => each.at('url'),
        idOf: (each) => each.at('id'),
      })
      const settings = { url: hook.url, token: hook.secret, enable_ssl_verification: true, ...hookEvents }
      const path = id === undefined ? hooks : `${hooks}/${id}`
      const { body } = await ask(id === undefined ? 'POST' : 'PUT', path, signal, settings)
      return readAnswer(name, () => idIn(body.at('id')))
    },

    async deleteHook(fullName, hookId, signal) {
      await ask('DELETE', `${projectPath(fullName)}/hooks/${idPath(hookId)}`, signal)
    },

    async pullRequest(fullName, number, signal) {
      const { body } = await ask('GET', `${projectPath(fullName)}/merge_requests/${number}`, signal)
      const source = readAnswer(name, () => sourceOf(body, fullName))
      // The name of a project that is not this one is told by that project alone.
      const repository = source.id === undefined ? source.repository : await nameOf(source.id)
      return readAnswer(name, () => mergeRequestFacts(body, repository, source.fork))

      async function nameOf(id: number): Promise<string> {
        try {
          const answer = await ask('GET', `/projects/${id}`, signal)
          return readAnswer(name, () => answer.body.at('path_with_namespace').repository())
        } catch (error) {
          if (error instanceof ForgeError && (error.fault === 'missing' || error.fault === 'denied')) return ''
          throw error
        }
      }
    },

    async putPullRequest(fullName, request, signal) {
      const requests = `${projectPath(fullName)}/merge_requests`
      const branches = { source_branch: request.head, target_branch: request.base }
      const { body } = await ask('GET', requests + queryOf({ state: 'opened', per_page: 1, ...branches }), signal)
      const [open] = readAnswer(name, () => body.items(1))
      return putRequest(requestFields, open, async (number) => {
        const { title, body: description } = requestWords(request)
        const said = { title, description }
        if (number !== undefined) return (await ask('PUT', `${requests}/${number}`, signal, said)).body
        return (await ask('POST', requests, signal, { ...said, ...branches, remove_source_branch: true })).body
      })
    },

    async putStatus(fullName, commit, status, signal) {
      if (!isCommit(commit)) throw new ForgeError('refused', 'A status is of a commit.')
      const state = states[status.state]
      const body = {
        state,
        name: statusText(status.name, longestName),
        description: statusText(status.description, longestDescription),
        ...(status.url !== '' && { target_url: status.url }),
      }
      try {
        await ask('POST', `${projectPath(fullName)}/statuses/${commit}`, signal, body)
      } catch (error) {
        // GitLab refuses to be told again what it knows.
        const known =
          error instanceof ForgeError ? /Cannot transition status via :\w+ from :(\w+)/.exec(error.message) : null
        if (known?.[1] !== state) throw error
      }
    },

    putComment(fullName, number, comment, signal) {
      const notes = `${projectPath(fullName)}/merge_requests/${number}/notes`
      const at: CommentsAt = {
        ...{ name, list: notes, each: notes, pageSize: 'per_page', items: '', text: 'body', author: 'author.username' },
        change: 'PUT',
      }
      return putOwnComment(ask, () => ownName(signal), at, comment, signal)
    },

    async putDeployment(fullName, commit, deployment, signal) {
      try {
        return await putGitlabDeployment(ask, { project: projectPath(fullName), commit }, deployment, signal)
      } catch (error) {
        throw unlessMayDeploy(
          error,
          'the token needs the scope api and the role of a developer, or more where the environment is protected',
        )
      }
    },

    async mayPush(fullName, person, signal) {
      if (personPath(person) === undefined) return false
      const level = async () => {
        const { body } = await ask('GET', `/users${queryOf({ username: person })}`, signal)
        const [id] = readAnswer(name, () => body.items(1).map((user) => idIn(user.at('id'))))
        if (id === undefined) return false
        const member = await ask('GET', `${projectPath(fullName)}/members/all/${idPath(id)}`, signal)
        return readAnswer(name, () => Number(idIn(member.body.at('access_level'))) >= developer)
      }
      return unlessUnknown(level())
    },

    async gitCredentials(fullName) {
      repositoryPath(fullName)
      return given.kind === 'token'
        ? { kind: 'password', username: given.user || 'oauth2', password: given.token }
        : undefined
    },
  }
}

/** Older versions, and tokens that are not personal, do not say what they may do. */
async function tokenOf(asked: Promise<ForgeAnswer>): Promise<{ scopes: string[]; expiresAt?: Date }> {
  try {
    const { body } = await asked
    return readAnswer(name, () => {
      const scopes = body.at('scopes').items(100)
      const end = Date.parse(body.at('expires_at').shown(40))
      return {
        scopes: scopes.map((each) => each.shown(100)),
        ...(Number.isNaN(end) ? {} : { expiresAt: new Date(end) }),
      }
    })
  } catch (error) {
    const isKnown = error instanceof ForgeError && ['missing', 'denied', 'refused'].includes(error.fault)
    if (!isKnown) throw error
    return { scopes: [] }
  }
}

/** Where the request is from; `id`: of a project whose name is still to be asked for. */
function sourceOf(request: Part, fullName: string): { id?: number; repository: string; fork: boolean } {
  const source = request.at('source_project_id')
  if (source.isNothing) return { repository: '', fork: true }
  const id = source.number()
  return id === request.at('target_project_id').number()
    ? { repository: fullName, fork: false }
    : { id, repository: '', fork: true }
}

function mergeRequestFacts(request: Part, repository: string, fork: boolean): PullRequestFacts {
  return {
    number: request.at('iid').number(),
    title: request.at('title').shown(longestTitle),
    url: request.at('web_url').link(),
    draft: request.either('draft', 'work_in_progress').flag(),
    labels: request
      .at('labels')
      .items(mostLabels)
      .map((label) => label.shown(longestTitle)),
    author: request.at('author.username').shown(longestName),
    head: {
      branch: request.at('source_branch').refName('refs/heads/'),
      commit: request.at('sha').commit(),
      repository,
    },
    base: {
      branch: request.at('target_branch').refName('refs/heads/'),
      commit: '',
    },
    fork,
    updatedAt: request.at('updated_at').timeOrNone(),
  }
}

const requestFields: RequestFields = {
  name,
  number: (request) => request.at('iid'),
  url: (request) => request.at('web_url'),
}

function projectOf(project: Part): ForgeRepository {
  return {
    fullName: project.at('path_with_namespace').repository(),
    cloneUrl: project.at('http_url_to_repo').link(),
    webUrl: project.at('web_url').link(),
    defaultBranch: project.at('default_branch').shown(longestName),
    // Those that are told of are seen by the signed-in alone, except the public ones.
    isPrivate: project.at('visibility').shown(20) !== 'public',
    description: project.at('description').shown(1000),
  }
}
