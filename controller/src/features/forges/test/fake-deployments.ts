// Deployments as GitHub and GitLab keep them.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import {
  type FakeAnswer,
  type FakeDeployment,
  missing,
  oneOf,
  type Remembered,
  type Route,
  text,
  WrongRequest,
} from './fake-forge.ts'
import { newId } from './fake-records.ts'

const githubStates = ['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success']
const gitlabStates = ['created', 'running', 'success', 'failed', 'canceled']

function list(body: JsonObject, field: string): JsonValue[] {
  const value = body[field]
  if (!Array.isArray(value)) throw new WrongRequest(`${field} is missing`)
  return value
}

export function githubDeployments(remembered: Remembered): Route[] {
  const { deployments } = remembered
  const all = (answer: Route[2]): Route[2] => {
    return (params, asked) => {
      if (remembered.mayDeploy) return answer(params, asked)
      return { status: 403, body: { message: 'Resource not accessible by personal access token' } }
    }
  }
  const payloads = new Map<string, JsonValue>()
  const shown = ({ id, commit, environment }: FakeDeployment): JsonObject => ({
    id: Number(id),
    sha: commit,
    environment,
    payload: payloads.get(id) ?? '',
  })
  return [
    [
      'GET',
      /^\/repos\/acme\/shop\/deployments$/,
      all((_, { query }) => {
        const found = deployments.filter(
          ({ commit, environment }) => query.get('sha') === commit && query.get('environment') === environment,
        )
        return { body: found.map(shown) }
      }),
    ],
    [
      'POST',
      /^\/repos\/acme\/shop\/deployments$/,
      all((_, { body }) => {
        if (list(body, 'required_contexts').length > 0 || body.auto_merge !== false) {
          return { status: 409, body: { message: 'Conflict: Commit status checks have not completed' } }
        }
        const made = { id: newId(), commit: text(body, 'ref'), environment: text(body, 'environment') }
        payloads.set(made.id, body.payload ?? '')
        const deployment = { ...made, ref: '', isTransient: body.transient_environment === true, states: [], url: '' }
        deployments.push(deployment)
        return { status: 201, body: shown(deployment) }
      }),
    ],
    [
      'GET',
      /^\/repos\/acme\/shop\/deployments\/(\d+)\/statuses$/,
      all(([id]) => {
        const deployment = deployments.find((each) => each.id === id)
        if (!deployment) return missing
        const [state] = deployment.states.slice(-1)
        return { body: state === undefined ? [] : [{ state, environment_url: deployment.url }] }
      }),
    ],
    [
      'POST',
      /^\/repos\/acme\/shop\/deployments\/(\d+)\/statuses$/,
      all(([id], { body }) => {
        const deployment = deployments.find((each) => each.id === id)
        if (!deployment) return missing
        text(body, 'log_url')
        deployment.states.push(oneOf(body, 'state', githubStates))
        deployment.url = typeof body.environment_url === 'string' ? body.environment_url : ''
        return { status: 201, body: { id: 1 } }
      }),
    ],
  ]
}

export function gitlabDeployments(remembered: Remembered): Route[] {
  const { deployments } = remembered
  const environments: string[] = []
  const refused: FakeAnswer = { status: 403, body: { message: '403 Forbidden' } }
  const shown = ({ id, commit, states }: FakeDeployment): JsonObject => ({
    id: Number(id),
    sha: commit,
    status: states.at(-1)!,
    deployable: null,
  })
  return [
    [
      'GET',
      /^\/projects\/acme%2Fshop\/deployments$/,
      (_, { query }) => ({
        body: deployments
          .filter(({ environment }) => query.get('environment') === environment)
          .toReversed()
          .map(shown),
      }),
    ],
    [
      'POST',
      /^\/projects\/acme%2Fshop\/deployments$/,
      (_, { body }) => {
        if (!remembered.mayDeploy) return refused
        if (typeof body.tag !== 'boolean') throw new WrongRequest('tag is missing')
        const environment = text(body, 'environment')
        const states = [oneOf(body, 'status', gitlabStates)]
        const made = { id: newId(), commit: text(body, 'sha'), environment, ref: text(body, 'ref'), states }
        const deployment = { ...made, isTransient: false, url: '' }
        deployments.push(deployment)
        if (!environments.includes(environment)) environments.push(environment)
        return { status: 201, body: shown(deployment) }
      },
    ],
    [
      'GET',
      /^\/projects\/acme%2Fshop\/deployments\/(\d+)$/,
      ([id]) => {
        const deployment = deployments.find((each) => each.id === id)
        return deployment ? { body: shown(deployment) } : missing
      },
    ],
    [
      'PUT',
      /^\/projects\/acme%2Fshop\/deployments\/(\d+)$/,
      ([id], { body }) => {
        if (!remembered.mayDeploy) return refused
        const deployment = deployments.find((each) => each.id === id)
        if (!deployment) return missing
        const status = oneOf(body, 'status', gitlabStates)
        if (deployment.states.at(-1) === status) {
          return { status: 400, body: { message: `Cannot transition status via :succeed from :${status}` } }
        }
        deployment.states.push(status)
        return { body: shown(deployment) }
      },
    ],
    [
      'GET',
      /^\/projects\/acme%2Fshop\/environments$/,
      (_, { query }) => {
        const at = environments.indexOf(query.get('name') ?? '')
        const [last] = deployments.filter(({ environment }) => environment === environments[at]).slice(-1)
        return { body: at < 0 ? [] : [{ id: at + 1, name: environments[at]!, external_url: last?.url || null }] }
      },
    ],
    [
      'PUT',
      /^\/projects\/acme%2Fshop\/environments\/(\d+)$/,
      ([id], { body }) => {
        const name = environments[Number(id) - 1]
        if (name === undefined) return missing
        const url = text(body, 'external_url')
        for (const each of deployments) if (each.environment === name) each.url = url
        return { body: { id: Number(id), name, external_url: url } }
      },
    ],
  ]
}
