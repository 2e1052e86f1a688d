// GitHub Enterprise Server's interface, as far as AnsFlow asks it; apps with it.
import { createPublicKey, verify } from 'node:crypto'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { commentRoutes } from './fake-comments.ts'
import { githubDeployments } from './fake-deployments.ts'
import {
  type FakeForge,
  type FakeKind,
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
  dropHook,
  hookOf,
  newId,
  openPulls,
  permissions,
  pull,
  pullRoutes,
  putHook,
  putStatus,
  repositoryName,
} from './fake-records.ts'

export interface FakeApp {
  appId: string
  installationId: string
  /** PEM. */
  publicKey: string
}

/** A token that an app was given. */
export interface GivenToken {
  token: string
  repositories: string[] | undefined
  permissions: JsonObject | undefined
}

export interface FakeGithub extends FakeForge {
  apps: {
    given: GivenToken[]
    /** How long tokens are good for. */
    tokenMs: number
    /** Newest last. */
    checks: FakeCheck[]
    /** Whether the app was given that permission. */
    mayCheck: boolean
  }
}

export interface FakeCheck {
  id: number
  commit: string
  said: JsonObject
  /** All that were sent. */
  annotations: JsonObject[]
}

export async function startFakeGithub(token: string, app?: FakeApp): Promise<FakeGithub> {
  const apps: FakeGithub['apps'] = { given: [], tokenMs: 3_600_000, checks: [], mayCheck: true }
  const kind: FakeKind = {
    base: '/api/v3',
    isLetIn(headers, path) {
      const [, bearer = ''] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? []
      if (/^\/app\//.test(path)) return app !== undefined && isStatement(bearer, app)
      if (bearer === token) return true
      const given = apps.given.find((each) => each.token === bearer)
      const [, name] = /^\/repos\/[^/]+\/([^/]+)/.exec(path) ?? []
      return given !== undefined && (name === undefined || !given.repositories || given.repositories.includes(name))
    },
    routes: (remembered) => [...appRoutes(app, apps), ...checkRoutes(app, apps), ...routes(remembered)],
  }
  return Object.assign(await startFakeForge(kind, token), { apps })
}

function isStatement(token: string, { appId, publicKey }: FakeApp): boolean {
  const [head = '', body = '', signature = ''] = token.split('.')
  const key = createPublicKey(publicKey)
  if (!verify('RSA-SHA256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) return false
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>
  const { iat, exp, iss } = read(body) as { iat: number; exp: number; iss: string }
  const now = Date.now() / 1000
  return read(head).alg === 'RS256' && iss === appId && iat <= now && exp > now && exp - iat <= 660
}

function appRoutes(app: FakeApp | undefined, apps: FakeGithub['apps']): Route[] {
  return [
    [
      'GET',
      /^\/app\/installations\/(\d+)$/,
      ([id]) =>
        id === app?.installationId
          ? { body: { id: Number(id), app_slug: 'ansflow-ci', suspended_at: null, permissions: { contents: 'read' } } }
          : missing,
    ],
    [
      'POST',
      /^\/app\/installations\/(\d+)\/access_tokens$/,
      ([id], { body }) => {
        if (id !== app?.installationId) return missing
        const token = `ghs_${newId()}`
        const repositories = body.repositories as string[] | undefined
        if (repositories?.some((each) => each !== 'shop')) throw new WrongRequest('no such repository')
        apps.given.push({ token, repositories, permissions: body.permissions as JsonObject | undefined })
        return { status: 201, body: { token, expires_at: new Date(Date.now() + apps.tokenMs).toISOString() } }
      },
    ],
  ]
}

function annotationsIn(said: JsonObject): JsonObject[] {
  return [...(object(said, 'output').annotations as JsonObject[])]
}

function checkRoutes(app: FakeApp | undefined, apps: FakeGithub['apps']): Route[] {
  const { checks } = apps
  const read = (body: JsonObject): JsonObject => {
    const status = oneOf(body, 'status', ['queued', 'in_progress', 'completed'])
    if (status === 'completed') oneOf(body, 'conclusion', ['success', 'failure', 'neutral', 'cancelled', 'skipped'])
    const output = object(body, 'output')
    if (text(output, 'title') === '' || Buffer.byteLength(text(output, 'summary')) > 65_535) {
      throw new WrongRequest('output is too long')
    }
    for (const each of output.annotations as JsonObject[]) {
      oneOf(each, 'annotation_level', ['notice', 'warning', 'failure'])
      text(each, 'path')
      text(each, 'message')
    }
    if ((output.annotations as JsonObject[]).length > 50) throw new WrongRequest('annotations are more than 50')
    return body
  }
  return [
    [
      'GET',
      /^\/repos\/acme\/shop\/commits\/([0-9a-f]{40})\/check-runs$/,
      ([commit], { query }) => {
        if (!apps.mayCheck) return { status: 403, body: { message: 'Resource not accessible by integration' } }
        const own = query.get('app_id') === app?.appId ? checks : []
        const name = query.get('check_name')
        const found = own.filter((each) => each.commit === commit && each.said.name === name)
        // The newest alone is asked for.
        const shown = found.slice(-1).map(({ id, said, annotations }) => ({
          id,
          external_id: said.external_id ?? null,
          output: { annotations_count: annotations.length },
        }))
        return { body: { total_count: shown.length, check_runs: shown } }
      },
    ],
    [
      'POST',
      /^\/repos\/acme\/shop\/check-runs$/,
      (_, { body }) => {
        const { head_sha: commit = '', ...said } = read(body)
        const id = Number(newId())
        checks.push({ id, commit: text({ commit }, 'commit'), said, annotations: annotationsIn(said) })
        return { status: 201, body: { id } }
      },
    ],
    [
      'PATCH',
      /^\/repos\/acme\/shop\/check-runs\/(\d+)$/,
      ([id], { body }) => {
        const check = checks.find((each) => each.id === Number(id))
        if (!check) return missing
        check.said = read(body)
        check.annotations.push(...annotationsIn(check.said))
        return { body: { id: check.id } }
      },
    ],
  ]
}

const states = ['error', 'failure', 'pending', 'success']

function routes(remembered: Remembered): Route[] {
  const repositoryOf = (fullName: string): JsonObject => ({
    id: 2,
    full_name: fullName,
    private: true,
    html_url: `${remembered.url}/${fullName}`,
    clone_url: `${remembered.gitUrl || remembered.url}/${fullName}.git`,
    default_branch: 'main',
    description: 'What is sold',
  })
  const shop = () => repositoryOf(repositoryName)
  const shownPull = ({ number, head, base }: FakePull): JsonObject => ({
    number,
    html_url: `${remembered.url}/acme/shop/pulls/${number}`,
    head: { ref: head },
    base: { ref: base },
  })
  // It is found on a second page alone.
  const all = () => [...Array.from({ length: 120 }, (_, i) => repositoryOf(`acme/other-${i}`)), shop()]
  return [
    ...githubDeployments(remembered),
    ...commentRoutes(remembered, {
      list: /^\/repos\/acme\/shop\/issues\/7\/comments$/,
      each: /^\/repos\/acme\/shop\/issues\/comments\/(\d+)$/,
      change: 'PATCH',
      pageSize: 'per_page',
      text: 'body',
      author: 'user.login',
    }),
    [
      'GET',
      /^\/user$/,
      () => ({
        body: { login: 'ann' },
        headers: {
          'x-oauth-scopes': 'repo, admin:repo_hook',
          'github-authentication-token-expiration': '2031-02-03 04:05:06 UTC',
        },
      }),
    ],
    ['GET', /^\/user\/repos$/, (_, { query }) => ({ body: pageOf(all(), query, 'per_page', 100) })],
    [
      'GET',
      /^\/installation\/repositories$/,
      (_, { query }) => ({ body: { total_count: 121, repositories: pageOf(all(), query, 'per_page', 100) } }),
    ],
    ['GET', /^\/repos\/(acme\/shop)$/, () => ({ body: shop() })],
    [
      'GET',
      /^\/repos\/acme\/shop\/pulls$/,
      (_, { query }) => ({
        body: openPulls(remembered)
          .filter(({ head, base }) => query.get('head') === `acme:${head}` && query.get('base') === base)
          .map(shownPull),
      }),
    ],
    ...pullRoutes(remembered, shownPull),
    ['GET', /^\/repos\/(acme\/shop)\/pulls\/7$/, () => ({ body: pullOf(remembered.url, shop()) })],
    [
      'GET',
      /^\/repos\/acme\/shop\/collaborators\/([^/]+)\/permission$/,
      ([person = '']) => ({ body: { permission: permissions[person] ?? 'none' } }),
    ],
    ...hookRoutes(remembered),
    [
      'POST',
      /^\/repos\/(acme\/shop)\/statuses\/([0-9a-f]{40})$/,
      ([repository = '', commit = ''], { body }) => {
        const description = typeof body.description === 'string' ? body.description : ''
        if (description.length > 140) throw new WrongRequest('description is too long')
        const [state, name, url] = [oneOf(body, 'state', states), text(body, 'context'), text(body, 'target_url')]
        putStatus(remembered, { repository, commit, name, state, description, url })
        return { status: 201, body: { id: 1, state } }
      },
    ],
  ]
}

function pullOf(url: string, shop: JsonObject): JsonValue {
  return {
    number: pull.number,
    title: pull.title,
    html_url: `${url}/acme/shop/pull/7`,
    draft: false,
    labels: [{ name: 'speed' }],
    user: { login: 'ann' },
    head: { ref: 'fast', sha: pull.head, repo: { ...shop, full_name: 'mallory/shop' } },
    base: { ref: 'main', sha: pull.base, repo: shop },
  }
}

function hookRoutes(remembered: Remembered): Route[] {
  const read = (repository: string, body: JsonObject) => {
    const config = object(body, 'config')
    oneOf(config, 'content_type', ['json'])
    const events = body.events as string[]
    return { repository, url: text(config, 'url'), secret: text(config, 'secret'), events }
  }
  const shown = ({ id, url }: { id: string; url: string }) => ({ id: Number(id), config: { url, secret: '********' } })
  return [
    [
      'GET',
      /^\/repos\/(acme\/shop)\/hooks$/,
      (_, { query }) => ({ body: pageOf(remembered.hooks, query, 'per_page', 100).map(shown) }),
    ],
    [
      'POST',
      /^\/repos\/(acme\/shop)\/hooks$/,
      ([repository = ''], { body }) => {
        oneOf(body, 'name', ['web'])
        return { status: 201, body: shown(putHook(remembered, read(repository, body))) }
      },
    ],
    [
      'PATCH',
      /^\/repos\/(acme\/shop)\/hooks\/(\d+)$/,
      ([repository = '', id = ''], { body }) => {
        const hook = hookOf(remembered, repository, id)
        return hook ? { body: shown(putHook(remembered, read(repository, body), hook)) } : missing
      },
    ],
    [
      'DELETE',
      /^\/repos\/(acme\/shop)\/hooks\/(\d+)$/,
      ([repository = '', id = '']) => (dropHook(remembered, repository, id) ? gone : missing),
    ],
  ]
}
