// Gitee's interface, /api/v5.
import { addressOf, bearer, secretsOf, tokenOnly } from '../../access.ts'
import type { ForgeAccess, ForgeClient, ForgeRepository } from '../../forge.ts'
import { askWith, createForgeHttp, idIn, idPath, queryOf, readAnswer, repositoryPath } from '../../forge-http.ts'
import { hookAt } from '../../hook-at.ts'
import { type CommentsAt, putOwnComment } from '../../own-comment.ts'
import { longestName, type Part } from '../../payload.ts'
import { putRequest, type RequestFields, requestWords } from '../../pull-request.ts'
import { mostFound } from '../../said-to-forges.ts'
import { pullRequestFacts } from './gitee-events.ts'

const name = 'Gitee'
const pageSize = 100

/** The secret signs. The other way is to be sent it in the body, where it would be with whoever keeps one. */
const signing = 1

export function giteeClient({ url, credentials, outbound }: ForgeAccess): ForgeClient {
  const given = tokenOnly(credentials)
  const http = createForgeHttp(name, `${addressOf(url)}/api/v5`, outbound)
  const ask = askWith(http, given.kind === 'token' ? [bearer(given.token)] : [], secretsOf(given))
  const repositoryAt = (fullName: string) => `/repos/${repositoryPath(fullName)}`

  async function ownName(signal: AbortSignal): Promise<string> {
    const { body } = await ask('GET', '/user', signal)
    return readAnswer(name, () => body.at('login').name())
  }

  return {
    whoAmI: async (signal) => ({ name: await ownName(signal), scopes: [] }),

    async repository(fullName, signal) {
      const { body } = await ask('GET', repositoryAt(fullName), signal)
      return readAnswer(name, () => repositoryOf(body))
    },

    async search(text, signal) {
      const q = text.trim()
      const query = queryOf({ per_page: mostFound, page: 1, sort: 'pushed', direction: 'desc', ...(q !== '' && { q }) })
      const { body } = await ask('GET', `/user/repos${query}`, signal)
      return readAnswer(name, () => body.items(mostFound).map(repositoryOf))
    },

    async putHook(fullName, hook, signal) {
      const hooks = `${repositoryAt(fullName)}/hooks`
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
      const path = id === undefined ? hooks : `${hooks}/${id}`
      const { body } = await ask(id === undefined ? 'POST' : 'PATCH', path, signal, {
        url: hook.url,
        password: hook.secret,
        encryption_type: signing,
        push_events: true,
        tag_push_events: true,
        merge_requests_events: true,
        note_events: true,
      })
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
      const { body } = await ask('GET', pulls + queryOf({ state: 'open', head, base, per_page: pageSize }), signal)
      const requests = readAnswer(name, () => body.items(pageSize))
      const open = requests.find((each) => each.at('head.ref').value === head && each.at('base.ref').value === base)
      return putRequest(requestFields, open, async (number) => {
        const said = { ...requestWords(request) }
        if (number !== undefined) return (await ask('PATCH', `${pulls}/${number}`, signal, said)).body
        return (await ask('POST', pulls, signal, { ...said, head, base })).body
      })
    },

    putComment(fullName, number, comment, signal) {
      const pulls = `${repositoryAt(fullName)}/pulls`
      const at: CommentsAt = {
        ...{
          name,
          list: `${pulls}/${number}/comments`,
          each: `${pulls}/comments`,
          pageSize: 'per_page',
          items: '',
          text: 'body',
          author: 'user.login',
        },
        change: 'PATCH',
      }
      return putOwnComment(ask, () => ownName(signal), at, comment, signal)
    },

    async gitCredentials(fullName) {
      repositoryPath(fullName)
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
  const web = repository.at('html_url').link()
  return {
    fullName: repository.at('full_name').repository(),
    // The address of its page ends so already.
    cloneUrl: `${web.replace(/\.git$/, '')}.git`,
    webUrl: web.replace(/\.git$/, ''),
    defaultBranch: repository.at('default_branch').shown(longestName),
    isPrivate: repository.at('private').flag() || repository.at('internal').flag(),
    description: repository.at('description').shown(1000),
  }
}
