// Bitbucket Cloud's interface, as far as AnsFlow asks it.
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
  WrongRequest,
} from './fake-forge.ts'
import {
  addPull,
  changePull,
  dropHook,
  hookOf,
  openPulls,
  pull,
  putHook,
  putStatus,
  repositoryName,
} from './fake-records.ts'

/** `user`: whose token it is; empty: a repository's. */
export function startFakeBitbucket(token: string, user = ''): Promise<FakeForge> {
  const right = user === '' ? `Bearer ${token}` : `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`
  const isLetIn = ({ authorization }: { authorization?: string }) => authorization === right
  return startFakeForge({ base: '/2.0', isLetIn, routes }, token)
}

const states = ['SUCCESSFUL', 'FAILED', 'INPROGRESS', 'STOPPED']

function routes(remembered: Remembered): Route[] {
  const shop = (fullName = repositoryName): JsonObject => ({
    type: 'repository',
    full_name: fullName,
    is_private: true,
    mainbranch: { name: 'main' },
    description: 'What is sold',
    updated_on: '2030-01-01T00:00:00+00:00',
    links: {
      html: { href: `${remembered.url}/${fullName}` },
      clone: [
        { name: 'https', href: `${remembered.url.replace('://', '://ann@')}/${fullName}.git` },
        { name: 'ssh', href: `git@bitbucket.org:${fullName}.git` },
      ],
    },
  })
  const shown = ({ id, url }: FakeHook) => ({ uuid: `{${id}}`, url })
  const shownPull = ({ number, head, base }: FakePull): JsonObject => ({
    id: number,
    links: { html: { href: `${remembered.url}/acme/shop/pull-requests/${number}` } },
    source: { branch: { name: head } },
    destination: { branch: { name: base } },
  })
  const branchIn = (body: JsonObject, end: string) => text(object(object(body, end), 'branch'), 'name')
  const hookIn = (repository: string, body: JsonObject) => ({
    repository,
    url: text(body, 'url'),
    secret: text(body, 'secret'),
    events: body.events as string[],
  })
  return [
    ...commentRoutes(remembered, {
      list: /^\/repositories\/acme\/shop\/pullrequests\/7\/comments$/,
      each: /^\/repositories\/acme\/shop\/pullrequests\/7\/comments\/(\d+)$/,
      change: 'PUT',
      pageSize: 'pagelen',
      text: 'content.raw',
      author: 'user.nickname',
      inValues: true,
    }),
    ['GET', /^\/user$/, () => ({ body: { nickname: 'ann' }, headers: { 'x-oauth-scopes': 'repository, webhook' } })],
    [
      'GET',
      /^\/user\/workspaces$/,
      () => ({ body: { values: [{ workspace: { slug: 'acme' } }, { workspace: { slug: 'empty' } }] } }),
    ],
    ['GET', /^\/repositories\/empty$/, () => ({ body: { values: [] } })],
    [
      'GET',
      /^\/repositories\/acme$/,
      (_, { query }) => {
        const [, wanted = ''] = /^name ~ "(.*)"$/.exec(query.get('q') ?? '') ?? []
        return { body: { values: 'shop'.includes(wanted) ? [shop()] : [] } }
      },
    ],
    ['GET', /^\/repositories\/acme\/shop$/, () => ({ body: shop() })],
    [
      'GET',
      /^\/repositories\/acme\/shop\/pullrequests$/,
      (_, { query }) => {
        const asked = /^state = "OPEN" AND source.branch.name = "(.*)" AND destination.branch.name = "(.*)"$/
        const [, source, destination] = asked.exec(query.get('q') ?? '') ?? []
        const found = openPulls(remembered).filter(({ head, base }) => source === head && destination === base)
        return { body: { values: found.map(shownPull) } }
      },
    ],
    [
      'POST',
      /^\/repositories\/acme\/shop\/pullrequests$/,
      (_, { body }) => {
        const [head, base] = [branchIn(body, 'source'), branchIn(body, 'destination')]
        const words = { title: text(body, 'title'), body: text(body, 'description') }
        return { status: 201, body: shownPull(addPull(remembered, { head, base, ...words })) }
      },
    ],
    [
      'PUT',
      /^\/repositories\/acme\/shop\/pullrequests\/(\d+)$/,
      ([number = ''], { body }) => {
        const words = { title: text(body, 'title'), body: text(body, 'description') }
        const changed = changePull(remembered, number, words)
        return changed ? { body: shownPull(changed) } : missing
      },
    ],
    [
      'GET',
      /^\/repositories\/acme\/shop\/pullrequests\/7$/,
      () => ({
        body: {
          id: pull.number,
          title: pull.title,
          draft: false,
          author: { nickname: 'ann' },
          links: { html: { href: `${remembered.url}/acme/shop/pull-requests/7` } },
          source: {
            branch: { name: 'fast' },
            commit: { hash: pull.head.slice(0, 12) },
            repository: { full_name: 'mallory/shop' },
          },
          destination: { branch: { name: 'main' }, commit: { hash: pull.base.slice(0, 12) } },
        },
      }),
    ],
    [
      'GET',
      /^\/repositories\/acme\/shop\/commit\/([0-9a-f]{12})$/,
      ([start = '']) => (pull.head.startsWith(start) ? { body: { hash: pull.head } } : missing),
    ],
    [
      'GET',
      /^\/repositories\/(acme\/shop)\/hooks$/,
      (_, { query }) => ({ body: { values: pageOf(remembered.hooks, query, 'pagelen', 100).map(shown) } }),
    ],
    [
      'POST',
      /^\/repositories\/(acme\/shop)\/hooks$/,
      ([repository = ''], { body }) => ({ status: 201, body: shown(putHook(remembered, hookIn(repository, body))) }),
    ],
    [
      'PUT',
      /^\/repositories\/(acme\/shop)\/hooks\/%7B(\d+)%7D$/,
      ([repository = '', id = ''], { body }) => {
        const hook = hookOf(remembered, repository, id)
        return hook ? { body: shown(putHook(remembered, hookIn(repository, body), hook)) } : missing
      },
    ],
    [
      'DELETE',
      /^\/repositories\/(acme\/shop)\/hooks\/%7B(\d+)%7D$/,
      ([repository = '', id = '']) => (dropHook(remembered, repository, id) ? gone : missing),
    ],
    [
      'POST',
      /^\/repositories\/(acme\/shop)\/commit\/([0-9a-f]{40})\/statuses\/build$/,
      ([repository = '', commit = ''], { body }) => {
        const [state, key, name] = [oneOf(body, 'state', states), text(body, 'key'), text(body, 'name')]
        if (key.length > 40) throw new WrongRequest('key is too long')
        const [description, url] = [text(body, 'description'), text(body, 'url')]
        putStatus(remembered, { repository, commit, name, state, description, url })
        return { status: 201, body: { key } }
      },
    ],
  ]
}
