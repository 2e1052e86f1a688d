// GitLab's interface, as far as AnsFlow asks it. A project is one part of a path, with its slashes written as %2F.
import type { JsonObject } from '@bufbuild/protobuf'
import { commentRoutes } from './fake-comments.ts'
import { gitlabDeployments } from './fake-deployments.ts'
import {
  type FakeForge,
  type FakeHook,
  type FakePull,
  gone,
  missing,
  oneOf,
  pageOf,
  type Remembered,
  type Route,
  startFakeForge,
  text,
} from './fake-forge.ts'
import {
  addPull,
  changePull,
  dropHook,
  hookOf,
  openPulls,
  permissions,
  pull,
  putHook,
  putStatus,
  repositoryName,
  switchedOn,
} from './fake-records.ts'

export function startFakeGitlab(token: string): Promise<FakeForge> {
  return startFakeForge({ base: '/api/v4', isLetIn: (headers) => headers['private-token'] === token, routes }, token)
}

const states = ['pending', 'running', 'success', 'failed', 'canceled', 'skipped']

const people = Object.keys(permissions)
/** Reporter, developer, maintainer. */
const levels: Record<string, number> = { read: 20, write: 30, admin: 40 }

function routes(remembered: Remembered): Route[] {
  const project = (path: string): JsonObject => ({
    id: 15,
    path_with_namespace: path,
    visibility: 'private',
    web_url: `${remembered.url}/${path}`,
    http_url_to_repo: `${remembered.gitUrl || remembered.url}/${path}.git`,
    default_branch: 'main',
    description: 'What is sold',
  })
  const shown = ({ id, url }: FakeHook) => ({ id: Number(id), url })
  const shownRequest = ({ number, head, base }: FakePull): JsonObject => ({
    iid: number,
    web_url: `${remembered.url}/acme/shop/-/merge_requests/${number}`,
    source_branch: head,
    target_branch: base,
  })
  const hookIn = (repository: string, body: JsonObject) => ({
    repository,
    url: text(body, 'url'),
    secret: text(body, 'token'),
    events: switchedOn(body),
  })
  const shop = () => project(repositoryName)
  return [
    ...gitlabDeployments(remembered),
    ...commentRoutes(remembered, {
      list: /^\/projects\/acme%2Fshop\/merge_requests\/7\/notes$/,
      each: /^\/projects\/acme%2Fshop\/merge_requests\/7\/notes\/(\d+)$/,
      change: 'PUT',
      pageSize: 'per_page',
      text: 'body',
      author: 'author.username',
    }),
    [
      'GET',
      /^\/projects\/acme%2Fshop\/merge_requests$/,
      (_, { query }) => ({
        body: openPulls(remembered)
          .filter((each) => query.get('source_branch') === each.head && query.get('target_branch') === each.base)
          .map(shownRequest),
      }),
    ],
    [
      'POST',
      /^\/projects\/acme%2Fshop\/merge_requests$/,
      (_, { body }) => {
        const [head, base] = [text(body, 'source_branch'), text(body, 'target_branch')]
        const words = { title: text(body, 'title'), body: text(body, 'description') }
        return { status: 201, body: shownRequest(addPull(remembered, { head, base, ...words })) }
      },
    ],
    [
      'PUT',
      /^\/projects\/acme%2Fshop\/merge_requests\/(\d+)$/,
      ([number = ''], { body }) => {
        const words = { title: text(body, 'title'), body: text(body, 'description') }
        const changed = changePull(remembered, number, words)
        return changed ? { body: shownRequest(changed) } : missing
      },
    ],
    ['GET', /^\/user$/, () => ({ body: { id: 42, username: 'ann' } })],
    [
      'GET',
      /^\/personal_access_tokens\/self$/,
      () => ({ body: { id: 1, scopes: ['api'], expires_at: '2031-02-03', active: true } }),
    ],
    [
      'GET',
      /^\/projects$/,
      (_, { query }) => {
        const all = query.get('membership') === 'true' ? [shop()] : []
        return { body: all.filter((each) => String(each.path_with_namespace).includes(query.get('search') ?? '')) }
      },
    ],
    ['GET', /^\/projects\/acme%2Fshop$/, () => ({ body: shop() })],
    [
      'GET',
      /^\/users$/,
      (_, { query }) => {
        const at = people.indexOf(query.get('username') ?? '')
        return { body: at < 0 ? [] : [{ id: 40 + at, username: people[at]! }] }
      },
    ],
    [
      'GET',
      /^\/projects\/acme%2Fshop\/members\/all\/(\d+)$/,
      ([id]) => {
        const level = levels[permissions[people[Number(id) - 40] ?? ''] ?? '']
        return level === undefined ? missing : { body: { id: Number(id), access_level: level } }
      },
    ],
    ['GET', /^\/projects\/16$/, () => ({ body: { ...project('mallory/shop'), id: 16 } })],
    [
      'GET',
      /^\/projects\/acme%2Fshop\/merge_requests\/7$/,
      () => ({
        body: {
          iid: pull.number,
          title: pull.title,
          web_url: `${remembered.url}/acme/shop/-/merge_requests/7`,
          draft: false,
          labels: ['speed'],
          author: { username: 'ann' },
          source_branch: 'fast',
          target_branch: 'main',
          source_project_id: 16,
          target_project_id: 15,
          sha: pull.head,
        },
      }),
    ],
    [
      'GET',
      /^\/projects\/(acme%2Fshop)\/hooks$/,
      (_, { query }) => ({ body: pageOf(remembered.hooks, query, 'per_page', 100).map(shown) }),
    ],
    [
      'POST',
      /^\/projects\/(acme%2Fshop)\/hooks$/,
      ([repository = ''], { body }) => ({ status: 201, body: shown(putHook(remembered, hookIn(repository, body))) }),
    ],
    [
      'PUT',
      /^\/projects\/(acme%2Fshop)\/hooks\/(\d+)$/,
      ([repository = '', id = ''], { body }) => {
        const hook = hookOf(remembered, repository, id)
        return hook ? { body: shown(putHook(remembered, hookIn(repository, body), hook)) } : missing
      },
    ],
    [
      'DELETE',
      /^\/projects\/(acme%2Fshop)\/hooks\/(\d+)$/,
      ([repository = '', id = '']) => (dropHook(remembered, repository, id) ? gone : missing),
    ],
    [
      'POST',
      /^\/projects\/(acme%2Fshop)\/statuses\/([0-9a-f]{40})$/,
      ([repository = '', commit = ''], { body }) => {
        const [state, name] = [oneOf(body, 'state', states), text(body, 'name')]
        const known = remembered.statuses.find((each) => each.commit === commit && each.name === name)
        if (known?.state === state) {
          return {
            status: 400,
            body: { message: `Cannot transition status via :enqueue from :${state} (Reason(s): x)` },
          }
        }
        const url = text(body, 'target_url')
        putStatus(remembered, { repository, commit, name, state, description: text(body, 'description'), url })
        return { status: 201, body: { id: 1 } }
      },
    ],
  ]
}
