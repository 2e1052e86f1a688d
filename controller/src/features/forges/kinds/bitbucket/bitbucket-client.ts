// The interface of Bitbucket Cloud, api.bitbucket.org/2.0.
import { createHash } from 'node:crypto'
import { addressOf, basic, bearer, secretsOf, tokenOnly } from '../../access.ts'
import { type CommitStatus, type ForgeAccess, type ForgeClient, ForgeError, type ForgeRepository } from '../../forge.ts'
import {
  askWith,
  createForgeHttp,
  idIn,
  idPath,
  mostPages,
  queryOf,
  readAnswer,
  repositoryPath,
} from '../../forge-http.ts'
import { hookAt } from '../../hook-at.ts'
import { type CommentsAt, putOwnComment } from '../../own-comment.ts'
import { isCommit, longestName, type Part } from '../../payload.ts'
import { putRequest, type RequestFields, requestWords } from '../../pull-request.ts'
import { longestDescription, mostFound, statusText } from '../../said-to-forges.ts'
import { hookEvents, pullRequestFacts } from './bitbucket-events.ts'

const name = 'Bitbucket'
const pageSize = 100
/** Of the word that names a status. */
const longestKey = 40

const states: Record<CommitStatus['state'], string> = {
  pending: 'INPROGRESS',
  running: 'INPROGRESS',
  succeeded: 'SUCCESSFUL',
  failed: 'FAILED',
  canceled: 'STOPPED',
}

export function bitbucketClient({ url, credentials, outbound }: ForgeAccess): ForgeClient {
  const given = tokenOnly(credentials)
  const http = createForgeHttp(name, apiOf(addressOf(url)), outbound)
  const ask = askWith(http, headersOf(), secretsOf(given))
  const repositoryAt = (fullName: string) => `/repositories/${repositoryPath(fullName)}`

  /** A token of a person goes with who it is of, one of a repository or workspace alone. */
  function headersOf() {
    if (given.kind !== 'token') return []
    return [given.user === '' ? bearer(given.token) : basic(given.user, given.token)]
  }

  /** `hash`: the beginning of it, as pull requests have it. */
  async function wholeCommit(fullName: string, hash: Part, signal: AbortSignal): Promise<string> {
    const start = readAnswer(name, () => hash.text())
    if (!/^[0-9a-f]{7,64}$/i.test(start)) throw new ForgeError('unreachable', 'Bitbucket answered with no commit.')
    const { body } = await ask('GET', `${repositoryAt(fullName)}/commit/${start}`, signal)
    return readAnswer(name, () => body.at('hash').commit())
  }

  return {
    async whoAmI(signal) {
      const { body, headers } = await ask('GET', '/user', signal)
      const scopes = String(headers['x-oauth-scopes'] ?? '').split(',')
      return {
        name: nameOf(body),
        scopes: scopes.map((each) => each.trim()).filter((each) => each !== ''),
      }
    },

    async repository(fullName, signal) {
      const { body } = await ask('GET', repositoryAt(fullName), signal)
      return readAnswer(name, () => repositoryOf(body))
    },

    /** There is no list of all of them: each workspace has its own. */
    async search(text, signal) {
      const answer = await ask('GET', `/user/workspaces${queryOf({ pagelen: pageSize })}`, signal)
      const workspaces = readAnswer(name, () =>
        answer.body
          .at('values')
          .items(mostPages)
          .map((each) => each.either('workspace.slug', 'slug').text()),
      )
      const found: { repository: ForgeRepository; at: string }[] = []
      const q = text.trim().replace(/["\\]/g, '')
      const query = queryOf({
        role: 'member',
        sort: '-updated_on',
        pagelen: mostFound,
        ...(q !== '' && { q: `name ~ "${q}"` }),
      })
      for (const workspace of workspaces) {
        const path = `/repositories/${encodeURIComponent(workspace)}${query}`
        const { body } = await ask('GET', path, signal)
        const repositories = readAnswer(name, () => body.at('values').items(mostFound))
        for (const each of repositories) {
          const repository = readAnswer(name, () => repositoryOf(each))
          found.push({ repository, at: each.at('updated_on').shownOrNone(40) })
        }
      }
      const newest = found.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
      return newest.slice(0, mostFound).map(({ repository }) => repository)
    },

    async putHook(fullName, hook, signal) {
      const hooks = `${repositoryAt(fullName)}/hooks`
      const id = await hookAt(hook.url, {
        name,
        pageSize,
        async page(page) {
          const { body } = await ask('GET', `${hooks}${queryOf({ pagelen: pageSize, page })}`, signal)
          return readAnswer(name, () => body.at('values').items(pageSize))
        },
        urlOf: (each) => each.at('url'),
        idOf: (each) => each.at('uuid'),
      })
      const settings = { description: 'AnsFlow', url: hook.url, active: true, secret: hook.secret, events: hookEvents }
      const path = id === undefined ? hooks : `${hooks}/${encodeURIComponent(id)}`
      const { body } = await ask(id === undefined ? 'POST' : 'PUT', path, signal, settings)
      return readAnswer(name, () => idIn(body.at('uuid')))
    },

    async deleteHook(fullName, hookId, signal) {
      await ask('DELETE', `${repositoryAt(fullName)}/hooks/${idPath(hookId)}`, signal)
    },

    async pullRequest(fullName, number, signal) {
      const { body } = await ask('GET', `${repositoryAt(fullName)}/pullrequests/${number}`, signal)
      const facts = readAnswer(name, () => pullRequestFacts(body, fullName))
      // The commits of a fork are also in the repository that they are offered to.
      const commit = facts.head.commit || (await wholeCommit(fullName, body.at('source.commit.hash'), signal))
      return { ...facts, head: { ...facts.head, commit } }
    },

    async putPullRequest(fullName, request, signal) {
      const requests = `${repositoryAt(fullName)}/pullrequests`
      const quoted = (branch: string) => `"${branch.replace(/["\\]/g, '')}"`
      const { head, base } = request
      const q = `state = "OPEN" AND source.branch.name = ${quoted(head)} AND destination.branch.name = ${quoted(base)}`
      const { body } = await ask('GET', requests + queryOf({ q, pagelen: 1 }), signal)
      const [open] = readAnswer(name, () => body.at('values').items(1))
      return putRequest(requestFields, open, async (number) => {
        const { title, body: description } = requestWords(request)
        const destination = { branch: { name: base } }
        // It is replaced as a whole: what is left out would be taken away.
        const said = { title, description, destination }
        if (number !== undefined) return (await ask('PUT', `${requests}/${number}`, signal, said)).body
        const source = { branch: { name: head } }
        return (await ask('POST', requests, signal, { ...said, source, close_source_branch: true })).body
      })
    },

    async putStatus(fullName, commit, status, signal) {
      if (!isCommit(commit)) throw new ForgeError('refused', 'A status is of a commit.')
      await ask('POST', `${repositoryAt(fullName)}/commit/${commit}/statuses/build`, signal, {
        key: keyOf(status.name),
        state: states[status.state],
        name: statusText(status.name, longestName),
        description: statusText(status.description, longestDescription),
        url: status.url,
      })
    },

    putComment(fullName, number, comment, signal) {
      const comments = `${repositoryAt(fullName)}/pullrequests/${number}/comments`
      const at: CommentsAt = {
        ...{
          name,
          list: comments,
          each: comments,
          pageSize: 'pagelen',
          items: 'values',
          text: 'content.raw',
          author: 'user.nickname',
        },
        change: 'PUT',
      }
      const own = async () => nameOf((await ask('GET', '/user', signal)).body)
      return putOwnComment(ask, own, at, comment, signal)
    },

    async gitCredentials(fullName) {
      repositoryPath(fullName)
      if (given.kind !== 'token') return undefined
      // A mail address is who a token is of for the interface, and never for git.
      const person = given.user.includes('@') ? 'x-bitbucket-api-token-auth' : given.user
      return { kind: 'password', username: person || 'x-token-auth', password: given.token }
    },
  }
}

function nameOf(user: Part): string {
  return readAnswer(name, () => user.either('nickname', 'username', 'display_name').name())
}

function apiOf(address: string): string {
  return /^https:\/\/(www\.)?bitbucket\.org$/.test(address) ? 'https://api.bitbucket.org/2.0' : `${address}/2.0`
}

/** What is longer is told apart by its hash. */
function keyOf(statusName: string): string {
  const key = statusText(statusName, longestName)
  return key.length <= longestKey ? key : createHash('sha256').update(key).digest('hex').slice(0, longestKey)
}

const requestFields: RequestFields = {
  name,
  number: (request) => request.at('id'),
  url: (request) => request.at('links.html.href'),
}

function repositoryOf(repository: Part): ForgeRepository {
  return {
    fullName: repository.at('full_name').repository(),
    cloneUrl: cloneUrlOf(repository.at('links.clone')),
    webUrl: repository.at('links.html.href').link(),
    defaultBranch: repository.at('mainbranch.name').shown(longestName),
    isPrivate: repository.at('is_private').flag(),
    description: repository.at('description').shown(1000),
  }
}

/** Without the user that Bitbucket writes into it. */
function cloneUrlOf(links: Part): string {
  const link = links.items(10).find((each) => each.at('name').value === 'https')
  const url = link === undefined ? null : URL.parse(link.at('href').text())
  if (!url || !/^https?:$/.test(url.protocol)) throw links.wrong()
  url.username = ''
  url.password = ''
  return url.href
}
