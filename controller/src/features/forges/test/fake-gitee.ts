// Gitee's interface, as far as AnsFlow asks it.
import type { JsonObject } from '@bufbuild/protobuf'
import { commentRoutes } from './fake-comments.ts'
import {
  type FakeForge,
  type FakeHook,
  type FakePull,
  gone,
  missing,
  pageOf,
  type Remembered,
  type Route,
  startFakeForge,
  text,
  WrongRequest,
} from './fake-forge.ts'
import { dropHook, hookOf, openPulls, pull, pullRoutes, putHook, repositoryName, switchedOn } from './fake-records.ts'

export function startFakeGitee(token: string): Promise<FakeForge> {
  const isLetIn = ({ authorization }: { authorization?: string }) => authorization === `Bearer ${token}`
  return startFakeForge({ base: '/api/v5', isLetIn, routes }, token)
}

function routes(remembered: Remembered): Route[] {
  const shop = (fullName = repositoryName): JsonObject => ({
    id: 2,
    full_name: fullName,
    private: true,
    html_url: `${remembered.url}/${fullName}.git`,
    default_branch: 'main',
    description: 'What is sold',
  })
  const shownPull = ({ number, head, base }: FakePull): JsonObject => ({
    number,
    html_url: `${remembered.url}/acme/shop/pulls/${number}`,
    head: { ref: head },
    base: { ref: base },
  })
  const shown = ({ id, url }: FakeHook) => ({ id: Number(id), url })
  const hookIn = (repository: string, body: JsonObject) => {
    // The other way sends the secret in the body of each delivery.
    if (body.encryption_type !== 1) throw new WrongRequest('encryption_type is missing')
    return { repository, url: text(body, 'url'), secret: text(body, 'password'), events: switchedOn(body) }
  }
  return [
    ...commentRoutes(remembered, {
      list: /^\/repos\/acme\/shop\/pulls\/7\/comments$/,
      each: /^\/repos\/acme\/shop\/pulls\/comments\/(\d+)$/,
      change: 'PATCH',
      pageSize: 'per_page',
      text: 'body',
      author: 'user.login',
    }),
    ['GET', /^\/user$/, () => ({ body: { id: 1, login: 'ann' } })],
    [
      'GET',
      /^\/user\/repos$/,
      (_, { query }) => ({ body: repositoryName.includes(query.get('q') ?? '') ? [shop()] : [] }),
    ],
    ['GET', /^\/repos\/acme\/shop$/, () => ({ body: shop() })],
    [
      'GET',
      /^\/repos\/acme\/shop\/pulls$/,
      (_, { query }) => ({
        body: pageOf(openPulls(remembered), query, 'per_page', 100)
          .filter(({ head, base }) => query.get('head') === head && query.get('base') === base)
          .map(shownPull),
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
      (_, { query }) => ({ body: pageOf(remembered.hooks, query, 'per_page', 100).map(shown) }),
    ],
    [
      'POST',
      /^\/repos\/(acme\/shop)\/hooks$/,
      ([repository = ''], { body }) => ({ status: 201, body: shown(putHook(remembered, hookIn(repository, body))) }),
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
  ]
}
