// The step type `http_request`: one request that the controller sends, and what of its answer becomes outputs.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { parseDuration } from '../duration.ts'
import { hasExpression } from '../expression.ts'
import { limits, patterns } from '../limits.ts'
import { shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'
import { isPointer } from './json-pointer.ts'
import { type ParamProblem, type ParamShape, type StepType, text } from './step-type.ts'

/** As it is stored and performed. */
export interface HttpRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string
  /** "200" or "200-299". */
  expectStatus: string[]
  /** JSON Pointers by the outputs' names. */
  outputs: Record<string, string>
  /** Of one try. */
  timeoutMs: number
  retries: number
  redirects: number
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD']
const mostTimeoutMs = 10 * 60_000
const usualStatus = '200-299'

const texts: ParamShape = { type: 'string', maxLength: 8192 }

export const httpRequest: StepType = {
  id: 'http_request',
  category: 'control',
  icon: 'globe',
  title: { en: 'HTTP request', 'zh-CN': 'HTTP 请求' },
  description: {
    en: 'The controller sends a request and reads outputs out of the answer. Takes no agent.',
    'zh-CN': '由控制器发送请求，并从应答中读取输出。不占用代理。',
  },
  aliases: ['webhook', 'curl', 'rest', 'api', 'fetch', 'call', 'url', '请求', '接口', '调用'],
  params: {
    type: 'object',
    properties: {
      method: {
        type: 'string',
        enum: methods,
        default: 'GET',
        'x-order': 1,
        'x-text': {
          title: { en: 'Method', 'zh-CN': '方法' },
          help: {
            en: 'GET and HEAD only ask; the others change something.',
            'zh-CN': 'GET 与 HEAD 只查询；其余会改变内容。',
          },
        },
      },
      url: {
        type: 'string',
        minLength: 1,
        maxLength: 4096,
        examples: ['https://api.example.com/deployments'],
        'x-widget': 'text',
        'x-order': 2,
        'x-secrets': true,
        'x-text': {
          title: { en: 'Address', 'zh-CN': '地址' },
          help: {
            en: 'http or https. ${NAME} stands for a secret that the step names, here, in headers and in the body. Addresses that are not public must be allowed in the controller’s settings.',
            'zh-CN':
              '支持 http 与 https。此处、请求头与请求体中的 ${NAME} 表示步骤所列的密钥。非公网地址须在控制器设置中允许。',
          },
        },
      },
      headers: {
        type: 'object',
        propertyNames: { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$" },
        additionalProperties: texts,
        maxProperties: 50,
        examples: ['Accept: application/json'],
        'x-order': 3,
        'x-secrets': true,
        'x-text': {
          title: { en: 'Headers', 'zh-CN': '请求头' },
          help: {
            en: 'By name, such as Authorization: Bearer ${API_TOKEN}. Host and Content-Length are set by AnsFlow.',
            'zh-CN': '按名称填写，例如 Authorization: Bearer ${API_TOKEN}。Host 与 Content-Length 由 AnsFlow 设置。',
          },
        },
      },
      body: {
        type: 'string',
        maxLength: 262_144,
        examples: ['{"ref": "main"}'],
        'x-widget': 'multiline',
        'x-order': 4,
        'x-secrets': true,
        'x-text': {
          title: { en: 'Body', 'zh-CN': '请求体' },
          help: {
            en: 'Sent as it is; say what it is in the header Content-Type.',
            'zh-CN': '按原样发送；其类型请写在请求头 Content-Type 中。',
          },
        },
      },
      expectStatus: {
        type: 'array',
        items: { type: 'string', pattern: '^[1-5]\\d\\d(-[1-5]\\d\\d)?$' },
        maxItems: 20,
        examples: ['200-299'],
        'x-order': 5,
        'x-text': {
          title: { en: 'Expected status', 'zh-CN': '期望状态' },
          help: {
            en: 'Statuses or ranges with which the step succeeds, such as 200 or 200-299. Empty: 200-299.',
            'zh-CN': '使步骤成功的状态或范围，例如 200 或 200-299。留空表示 200-299。',
          },
        },
      },
      outputs: {
        type: 'object',
        propertyNames: { pattern: patterns.identifier.source },
        additionalProperties: { type: 'string', maxLength: 1024 },
        maxProperties: limits.outputsOfAStep,
        examples: ['id: /data/id'],
        'x-order': 6,
        'x-text': {
          title: { en: 'Outputs', 'zh-CN': '输出' },
          help: {
            en: 'Where each output stands in the JSON answer, as a JSON Pointer: /data/id, /items/0/name. The output status is always set.',
            'zh-CN':
              '各输出在 JSON 应答中的位置，用 JSON Pointer 表示：/data/id、/items/0/name。输出 status 总会设置。',
          },
        },
      },
      timeout: {
        type: 'string',
        default: '30s',
        'x-widget': 'duration',
        'x-order': 7,
        'x-tab': 'reliability',
        'x-text': {
          title: { en: 'Timeout of a try', 'zh-CN': '单次超时' },
          help: {
            en: 'How long one try may take, at most 10m. The step’s own timeout counts for all tries together.',
            'zh-CN': '单次尝试最长多久，不超过 10m。步骤自身的超时计算全部尝试。',
          },
        },
      },
      retries: {
        type: 'integer',
        minimum: 0,
        maximum: 10,
        default: 0,
        'x-order': 8,
        'x-tab': 'reliability',
        'x-text': {
          title: { en: 'Tries after the first', 'zh-CN': '重试次数' },
          help: {
            en: 'After no answer, or status 429, 502, 503 or 504: within the same attempt, with pauses that double or that the answer asks for.',
            'zh-CN': '无应答或状态为 429、502、503、504 时在同一次尝试内重试，间隔翻倍或按应答要求。',
          },
        },
      },
      redirects: {
        type: 'integer',
        minimum: 0,
        maximum: 10,
        default: 5,
        'x-order': 9,
        'x-advanced': true,
        'x-text': {
          title: { en: 'Redirects', 'zh-CN': '重定向' },
          help: {
            en: 'How many are followed. To another host only Accept, Content-Type and User-Agent go along.',
            'zh-CN': '最多跟随多少次。转到其他主机时只带上 Accept、Content-Type 与 User-Agent。',
          },
        },
      },
    },
    required: ['url'],
    additionalProperties: false,
  },
  foreign: {
    uri: 'url',
    endpoint: 'url',
    address: 'url',
    data: 'body',
    payload: 'body',
    json: 'body',
    verb: 'method',
    header: 'headers',
    status: 'expectStatus',
    retry: 'retries',
  },
  defaults: { method: 'GET', url: '' },
  outputs: ['status'],
  outputsOf: ({ outputs }) => (isTexts(outputs) ? Object.keys(outputs) : []),
  summary(params) {
    return `${text(params, 'method') || 'GET'} ${text(params, 'url').replace(/^https?:\/\//, '')}`.trim()
  },
  check,
  by: 'controller',
  compile(params) {
    const request: HttpRequest = {
      method: text(params, 'method') || 'GET',
      url: text(params, 'url'),
      headers: isTexts(params.headers) ? params.headers : {},
      body: text(params, 'body'),
      expectStatus: Array.isArray(params.expectStatus) ? (params.expectStatus as string[]) : [],
      outputs: isTexts(params.outputs) ? params.outputs : {},
      timeoutMs: parseDuration(text(params, 'timeout') || '30s') ?? 30_000,
      retries: typeof params.retries === 'number' ? params.retries : 0,
      redirects: typeof params.redirects === 'number' ? params.redirects : 5,
    }
    return { by: 'controller', request: { ...request } }
  },
}

export function isExpected({ expectStatus }: Pick<HttpRequest, 'expectStatus'>, status: number): boolean {
  const ranges = expectStatus.length > 0 ? expectStatus : [usualStatus]
  return ranges.some((range) => {
    const [from = '', to = from] = range.split('-')
    return status >= Number(from) && status <= Number(to)
  })
}

export function expectedText({ expectStatus }: Pick<HttpRequest, 'expectStatus'>): string {
  return expectStatus.length > 0 ? expectStatus.join(', ') : usualStatus
}

function check(params: JsonObject, given: ReadonlySet<string>): ParamProblem[] {
  const problems: ParamProblem[] = []
  const add = (field: string, said: Said) => problems.push({ field, said })
  const url = text(params, 'url')
  // What a secret holds is looked at when the request is sent.
  if (params.url !== undefined && !url.includes('${')) {
    const parsed = URL.parse(url)
    if (!parsed || !/^https?:$/.test(parsed.protocol)) add('url', say('http_address', { value: shortText(url) }))
    else if (parsed.username || parsed.password) add('url', say('http_password'))
  }
  for (const [name, value] of Object.entries(isTexts(params.headers) ? params.headers : {})) {
    if (/^(host|content-length|connection|transfer-encoding)$/i.test(name))
      add('headers', say('http_own_header', { name }))
    else if (/[\r\n\0]/.test(value)) add('headers', say('http_header_line', { name }))
  }
  const method = given.has('method') ? text(params, 'method') : 'GET'
  if (text(params, 'body') !== '' && (method === 'GET' || method === 'HEAD')) {
    add('body', say('http_body'))
  }
  for (const [name, path] of Object.entries(isTexts(params.outputs) ? params.outputs : {})) {
    if (!hasExpression(path) && !isPointer(path)) add('outputs', say('http_pointer', { name, value: shortText(path) }))
  }
  const ms = params.timeout === undefined ? 1 : parseDuration(text(params, 'timeout'))
  if (ms === undefined || ms < 1) add('timeout', say('http_timeout', { value: shortText(text(params, 'timeout')) }))
  else if (ms > mostTimeoutMs) add('timeout', say('http_timeout_most'))
  return problems
}

function isTexts(value: JsonValue | undefined): value is Record<string, string> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
