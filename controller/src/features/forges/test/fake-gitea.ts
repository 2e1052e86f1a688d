// The interface of Gitea and Forgejo, as far as AnsFlow asks it.
import type { JsonObject } from '@bufbuild/protobuf'
import { commentRoutes } from './fake-comments.ts'
import {
  type FakeForge,
  type FakeHook,
  type FakePull,
  gone,
  missing,
  object,
  oneOf,
  pageOf,
  type Remembered,
  type Route,
  startFakeForge,
  text,
} from './fake-forge.ts'
import {
  dropHook,
  hookOf,
  openPulls,
  permissions,
  pull,
  pullRoutes,
  putHook,
  putStatus,
  repositoryName,
} from './fake-records.ts'

export function startFakeGitea(token: string): Promise<FakeForge> {
  const isLetIn = ({ authorization }: { authorization?: string }) => authorization === `token ${token}`
  return startFakeForge({ base: '/api/v1', isLetIn, routes }, token)
}

const states = ['pending', 'success', 'error', 'failure', 'warning']

function routes(remembered: Remembered): Route[] {
  const shop = (fullName = repositoryName): JsonObject => ({
    id: 2,
    full_name: fullName,
    private: true,
    internal: false,
    html_url: `${remembered.url}/${fullName}`,
    clone_url: `${remembered.url}/${fullName}.git`,
    default_branch: 'main',
    description: 'What is sold',
  })
  const shownPull = ({ number, head, base }: FakePull): JsonObject => ({
    number,
    html_url: `${remembered.url}/acme/shop/pulls/${number}`,
    head: { ref: head },
    base: { ref: base },
  })
  const shown = ({ id, url }: FakeHook) => ({ id: Number(id), type: 'gitea', config: { url, content_type: 'json' } })
  const hookIn = (repository: string, body: JsonObject) => {
    const config = object(body, 'config')
    oneOf(config, 'content_type', ['json'])
    return { repository, url: text(config, 'url'), secret: text(config, 'secret'), events: body.events as string[] }
  }
  return [
    ...commentRoutes(remembered, {
      list: /^\/repos\/acme\/shop\/issues\/7\/comments$/,
      each: /^\/repos\/acme\/shop\/issues\/comments\/(\d+)$/,
      change: 'PATCH',
      pageSize: '',
      text: 'body',
      author: 'user.login',
    }),
    ['GET', /^\/user$/, () => ({ body: { id: 1, login: 'ann' } })],
    [
      'GET',
      /^\/repos\/search$/,
      (_, { query }) => ({ body: { ok: true, data: repositoryName.includes(query.get('q') ?? '') ? [shop()] : [] } }),
    ],
    ['GET', /^\/repos\/(acme\/shop)$/, () => ({ body: shop() })],
    [
      'GET',
      /^\/repos\/acme\/shop\/collaborators\/([^/]+)\/permission$/,
      ([person = '']) => (permissions[person] ? { body: { permission: permissions[person] } } : missing),
    ],
    [
      'GET',
      /^\/repos\/acme\/shop\/pulls$/,
      (_, { query }) => ({
        body: pageOf(openPulls(remembered), query, 'limit', 50).map(shownPull),
      }),
    ],
    ...pullRoutes(remembered, shownPull),
    [
      'GET',
      /^\/repos\/acme\/shop\/pulls\/7$/,
      () => ({
        body: {
          number: pull.number,
          title: pull.title,
          html_url: `${remembered.url}/acme/shop/pulls/7`,
          draft: false,
          labels: [{ name: 'speed' }],
          user: { login: 'ann' },
          head: { ref: 'fast', sha: pull.head, repo: shop('mallory/shop') },
          base: { ref: 'main', sha: pull.base, repo: shop() },
        },
      }),
    ],
    [
      'GET',
      /^\/repos\/(acme\/shop)\/hooks$/,
      (_, { query }) => ({ body: pageOf(remembered.hooks, query, 'limit', 50).map(shown) }),
    ],
    [
      'POST',
      /^\/repos\/(acme\/shop)\/hooks$/,
      ([repository = ''], { body }) => {
        oneOf(body, 'type', ['gitea', 'forgejo'])
        return { status: 201, body: shown(putHook(remembered, hookIn(repository, body))) }
      },
    ],
    [
      'PATCH',
      /^\/repos\/(acme\/shop)\/hooks\/(\d+)$/,
      ([repository = '', id = ''], { body }) => {
        const hook = hookOf(remembered, repository, id)
        return hook ? { body: shown(putHook(remembered, hookIn(repository, body), hook)) } : missing
      },
    ],
    [
      'DELETE',
      /^\/repos\/(acme\/shop)\/hooks\/(\d+)$/,
      ([repository = '', id = '']) => (dropHook(remembered, repository, id) ? gone : missing),
    ],
    [
      'POST',
      /^\/repos\/(acme\/shop)\/statuses\/([0-9a-f]{40})$/,
      ([repository = '', commit = ''], { body }) => {
        const [state, name] = [oneOf(body, 'state', states), text(body, 'context')]
        const [description, url] = [text(body, 'description'), text(body, 'target_url')]
        putStatus(remembered, { repository, commit, name, state, description, url })
        return { status: 201, body: { id: 1 } }
      },
    ],
  ]
}
