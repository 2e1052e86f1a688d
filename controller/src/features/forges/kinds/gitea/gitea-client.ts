// The interface of Gitea and Forgejo, /api/v1.
import { addressOf, secretsOf, tokenOnly } from '../../access.ts'
import { type CommitStatus, type ForgeAccess, type ForgeClient, ForgeError, type ForgeRepository } from '../../forge.ts'
import {
  askWith,
  createForgeHttp,
  eachPage,
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
import { longestDescription, mostFound, statusText } from '../../said-to-forges.ts'
import { pullRequestFacts } from '../github/github-events.ts'

const name = 'Gitea'
/** What a server answers at most, unless it was set up otherwise. */
const pageSize = 50

const states: Record<CommitStatus['state'], string> = {
  pending: 'pending',
  running: 'pending',
  succeeded: 'success',
  failed: 'failure',
  canceled: 'error',
}

/** The parts of pull_request have names of their own here. */
const hookEvents = [
  ...['push', 'delete', 'pull_request', 'pull_request_sync', 'pull_request_label'],
  ...['issue_comment', 'pull_request_comment', 'release'],
]

export function giteaClient({ url, credentials, outbound }: ForgeAccess): ForgeClient {
  const given = tokenOnly(credentials)
  const http = createForgeHttp(name, `${addressOf(url)}/api/v1`, outbound)
  const ask = askWith(http, given.kind === 'token' ? [['authorization', `token ${given.token}`]] : [], secretsOf(given))
  const repositoryAt = (fullName: string) => `/repos/${repositoryPath(fullName)}`

  async function ownName(signal: AbortSignal): Promise<string> {
    const { body } = await ask('GET', '/user', signal)
    return readAnswer(name, () => body.at('login').name())
  }

  async function putStatus(fullName: string, commit: string, status: CommitStatus, signal: AbortSignal): Promise<void> {
    if (!isCommit(commit)) throw new ForgeError('refused', 'A status is of a commit.')
    await ask('POST', `${repositoryAt(fullName)}/statuses/${commit}`, signal, {
      state: states[status.state],
      context: statusText(status.name, longestName),
      description: statusText(status.description, longestDescription),
      target_url: status.url,
    })
  }

  return {
    whoAmI: async (signal) => ({ name: await ownName(signal), scopes: [] }),

    async repository(fullName, signal) {
      const { body } = await ask('GET', repositoryAt(fullName), signal)
      return readAnswer(name, () => repositoryOf(body))
    },

    async search(text, signal) {
      const query = queryOf({ q: text.trim(), limit: mostFound, sort: 'updated', order: 'desc' })
      const { body } = await ask('GET', `/repos/search${query}`, signal)
      return readAnswer(name, () => body.at('data').items(mostFound).map(repositoryOf))
    },

    async putHook(fullName, hook, signal) {
      const hooks = `${repositoryAt(fullName)}/hooks`
      const id = await hookAt(hook.url, {
        name,
        pageSize,
        async page(page) {
          const { body } = await ask('GET', `${hooks}${queryOf({ limit: pageSize, page })}`, signal)
          return readAnswer(name, () => body.items(pageSize))
        },
        urlOf: (each) => each.either('config.url', 'url'),
        idOf: (each) => each.at('id'),
      })
      const settings = {
        ...(id === undefined && { type: 'gitea' }),
        active: true,
        events: hookEvents,
        config: { url: hook.url, content_type: 'json', secret: hook.secret },
      }
      const path = id === undefined ? hooks : `${hooks}/${id}`
      const { body } = await ask(id === undefined ? 'POST' : 'PATCH', path, signal, settings)
      return readAnswer(name, () => idIn(body.at('id')))
    },

    async deleteHook(fullName, hookId, signal) {
      await ask('DELETE', `${repositoryAt(fullName)}/hooks/${idPath(hookId)}`, signal)
    },

    async pullRequest(fullName, number, signal) {
      const { body } = await ask('GET', `${repositoryAt(fullName)}/pulls/${number}`, signal)
      return readAnswer(name, () => pullRequestFacts(body, fullName))
    },

    async putPullRequest(fullName, request, signal) {
      const pulls = `${repositoryAt(fullName)}/pulls`
      const { head, base } = request
      let open: Part | undefined
      await eachPage(
        pageSize,
        async (page) => {
          const query = queryOf({ state: 'open', sort: 'recentupdate', limit: pageSize, page })
          const { body } = await ask('GET', pulls + query, signal)
          return readAnswer(name, () => body.items(pageSize))
        },
        (items) => {
          open = items.find((each) => each.at('head.ref').value === head && each.at('base.ref').value === base)
          return open !== undefined
        },
      )
      return putRequest(requestFields, open, async (number) => {
        const said = { ...requestWords(request) }
        if (number === undefined) return (await ask('POST', pulls, signal, { ...said, head, base })).body
        return (await ask('PATCH', `${pulls}/${number}`, signal, said)).body
      })
    },

    putStatus,

    async putDeployment(fullName, commit, { environment, state, description, url, logUrl }, signal) {
      // What came after it in the same place has told of that.
      if (state === 'inactive') return ''
      const status = { name: `deploy/${environment}`, of: '', state, description, url: url || logUrl }
      await putStatus(fullName, commit, status, signal)
      return ''
    },

    putComment(fullName, number, comment, signal) {
      // All of them are answered at once.
      const at = { ...issueComments(name, repositoryAt(fullName), number), pageSize: undefined }
      return putOwnComment(ask, () => ownName(signal), at, comment, signal)
    },

    async mayPush(fullName, person, signal) {
      const user = personPath(person)
      if (user === undefined) return false
      const role = async () => {
        const { body } = await ask('GET', `${repositoryAt(fullName)}/collaborators/${user}/permission`, signal)
        return readAnswer(name, () => pushingRoles.includes(body.at('permission').shown(longestName)))
      }
      return unlessUnknown(role())
    },

    async gitCredentials(fullName) {
      repositoryPath(fullName)
      // Any user's name is taken beside a token.
      return given.kind === 'token'
        ? { kind: 'password', username: given.user || 'oauth2', password: given.token }
        : undefined
    },
  }
}

const requestFields: RequestFields = {
  name,
  number: (request) => request.at('number'),
  url: (request) => request.at('html_url'),
}

function repositoryOf(repository: Part): ForgeRepository {
  return {
    fullName: repository.at('full_name').repository(),
    cloneUrl: repository.at('clone_url').link(),
    webUrl: repository.at('html_url').link(),
    defaultBranch: repository.at('default_branch').shown(longestName),
    isPrivate: repository.at('private').flag() || repository.at('internal').flag(),
    description: repository.at('description').shown(1000),
  }
}
