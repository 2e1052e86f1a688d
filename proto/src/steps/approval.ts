// The step type `approval`: people decide whether the run goes on. Nothing runs meanwhile: whoever is named is asked, and what they
// answer becomes outputs.
import type { JsonObject } from '@bufbuild/protobuf'
import { builtInRoles, findRole } from '../access.ts'
import {
  type ApprovalAsk,
  type ApprovalField,
  approvalOutputs,
  approverParts,
  fieldDefinitions,
  type OnExpiry,
} from '../approval.ts'
import { parseDuration } from '../duration.ts'
import { hasExpression } from '../expression.ts'
import { defaultOf, inputProblem } from '../inputs.ts'
import { limits, patterns, utf8Length } from '../limits.ts'
import { nearest } from '../suggest.ts'
import { shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'
import { ParamError } from './params.ts'
import { type Param, type ParamProblem, type StepType, text } from './step-type.ts'

const fields: Record<string, Param> = {
  name: {
    type: 'string',
    minLength: 1,
    maxLength: 64,
    examples: ['reason'],
    'x-widget': 'text',
    'x-order': 1,
    'x-text': {
      title: { en: 'Name', 'zh-CN': '名称' },
      help: {
        en: 'Of the output that the answer becomes: letters, digits and _.',
        'zh-CN': '答案所成为的输出的名称：字母、数字与 _。',
      },
    },
  },
  label: {
    type: 'string',
    maxLength: 200,
    examples: ['Why now?'],
    'x-example': { en: 'Why now?', 'zh-CN': '为什么现在部署？' },
    'x-widget': 'text',
    'x-order': 2,
    'x-text': {
      title: { en: 'Question', 'zh-CN': '问题' },
      help: { en: 'What people read beside the field.', 'zh-CN': '字段旁显示的文字。' },
    },
  },
  type: {
    type: 'string',
    enum: ['string', 'number', 'boolean', 'choice'],
    default: 'string',
    'x-order': 3,
    'x-enum-text': {
      string: { en: 'Text', 'zh-CN': '文本' },
      number: { en: 'Number', 'zh-CN': '数字' },
      boolean: { en: 'Yes or no', 'zh-CN': '是或否' },
      choice: { en: 'Choice', 'zh-CN': '选择' },
    },
    'x-text': {
      title: { en: 'Type', 'zh-CN': '类型' },
      help: { en: 'What an answer must be.', 'zh-CN': '答案须为何种类型。' },
    },
  },
  options: {
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength: 200 },
    maxItems: 50,
    examples: ['canary'],
    'x-order': 4,
    'x-only': { of: 'type', values: ['choice'] },
    'x-text': {
      title: { en: 'Options', 'zh-CN': '选项' },
      help: { en: 'Of a choice, in this order.', 'zh-CN': '选择类型的选项，按此顺序显示。' },
    },
  },
  required: {
    type: 'boolean',
    default: false,
    'x-order': 5,
    'x-text': {
      title: { en: 'Required', 'zh-CN': '必填' },
      help: { en: 'Nobody can approve without it.', 'zh-CN': '不填写便无法批准。' },
    },
  },
  default: {
    type: 'string',
    maxLength: 2000,
    examples: ['canary'],
    'x-example': { en: '', 'zh-CN': '' },
    'x-widget': 'text',
    'x-order': 6,
    'x-text': {
      title: { en: 'Default', 'zh-CN': '默认值' },
      help: {
        en: 'Stands in the form at first, and counts where nobody answers.',
        'zh-CN': '表单中的初始值；无人填写时以它为准。',
      },
    },
  },
}

export const approval: StepType = {
  id: 'approval',
  category: 'control',
  icon: 'hand',
  title: { en: 'Approval', 'zh-CN': '审批' },
  description: {
    en: 'Waits until enough of those who are named have approved. One rejection ends it. Takes no agent.',
    'zh-CN': '等待指定的人中有足够人数批准；一人拒绝即结束。不占用代理。',
  },
  aliases: ['approve', 'manual', 'input', 'confirm', 'gate', 'block', 'sign-off', '人工', '确认', '审核', '批准'],
  params: {
    type: 'object',
    properties: {
      approvers: {
        type: 'array',
        items: { type: 'string', minLength: 1, maxLength: 300 },
        maxItems: 50,
        examples: ['role:maintainer', 'user:name@example.org'],
        'x-order': 1,
        'x-text': {
          title: { en: 'Approvers', 'zh-CN': '审批人' },
          help: {
            en: 'role:maintainer (also those who can more: owners), or user: and an e-mail address. They decide as developers of the project at least: viewers only look.',
            'zh-CN':
              'role:maintainer（权限更高者即所有者也算），或 user: 加邮箱地址。审批人在项目中至少须为开发者：只读成员只能查看。',
          },
        },
      },
      required: {
        type: 'integer',
        minimum: 1,
        maximum: 20,
        default: 1,
        'x-order': 2,
        'x-text': {
          title: { en: 'How many', 'zh-CN': '需要人数' },
          help: {
            en: 'So many different people have to approve. One who rejects ends the step as failed.',
            'zh-CN': '须有这么多不同的人批准。任一人拒绝，步骤即以失败结束。',
          },
        },
      },
      message: {
        type: 'string',
        maxLength: 4000,
        examples: ['Deploy ${{ git.commit }}?'],
        'x-example': { en: 'Deploy ${{ git.commit }}?', 'zh-CN': '要部署 ${{ git.commit }} 吗？' },
        'x-widget': 'multiline',
        'x-order': 3,
        'x-text': {
          title: { en: 'Question', 'zh-CN': '审批说明' },
          help: { en: 'What whoever decides should know.', 'zh-CN': '审批人需要知道的内容。' },
        },
      },
      selfApproval: {
        type: 'boolean',
        default: false,
        'x-order': 4,
        'x-text': {
          title: { en: 'Own runs', 'zh-CN': '可审批自己的运行' },
          help: {
            en: 'Who started the run, or ran it again, may decide too.',
            'zh-CN': '发起或重跑该运行的人也可以审批。',
          },
        },
      },
      fields: {
        type: 'array',
        items: { type: 'object', properties: fields, required: ['name'] },
        maxItems: 20,
        examples: ['{ name: reason, type: string }'],
        'x-order': 5,
        'x-text': {
          title: { en: 'Fields', 'zh-CN': '字段' },
          help: {
            en: 'What whoever approves is asked. The answers are outputs of the step; with several approvals, those of the last.',
            'zh-CN': '批准时需要填写的内容。答案成为步骤的输出；需要多人批准时，以最后一人的为准。',
          },
        },
      },
      expires: {
        type: 'string',
        minLength: 1,
        examples: ['24h', '30m'],
        'x-widget': 'duration',
        'x-order': 6,
        'x-tab': 'reliability',
        'x-text': {
          title: { en: 'Expires after', 'zh-CN': '过期时间' },
          help: {
            en: 'At most 30 days from when it is asked. Empty: it waits as long as the run may take.',
            'zh-CN': '自发出起最长 30 天。留空则一直等待，直到运行超时。',
          },
        },
      },
      onExpiry: {
        type: 'string',
        enum: ['reject', 'approve'],
        default: 'reject',
        'x-order': 7,
        'x-tab': 'reliability',
        'x-enum-text': {
          reject: { en: 'counts as rejected', 'zh-CN': '视为拒绝' },
          approve: { en: 'counts as approved', 'zh-CN': '视为批准' },
        },
        'x-text': {
          title: { en: 'When it expires', 'zh-CN': '过期后' },
          help: {
            en: 'What it becomes when too few have decided in time.',
            'zh-CN': '到期仍未有足够的人决定时的结果。',
          },
        },
      },
    },
    required: ['approvers'],
    additionalProperties: false,
  },
  foreign: {
    users: 'approvers',
    reviewers: 'approvers',
    groups: 'approvers',
    teams: 'approvers',
    submitter: 'approvers',
    count: 'required',
    minimum: 'required',
    prompt: 'message',
    question: 'message',
    parameters: 'fields',
    inputs: 'fields',
    timeout: 'expires',
  },
  defaults: { approvers: ['role:maintainer'] },
  outputs: [...approvalOutputs],
  outputsOf: ({ fields: given }) =>
    Array.isArray(given) ? (given as unknown as ApprovalField[]).map(({ name }) => name) : [],
  summary(params) {
    const { approvers } = params
    const [first = ''] = Array.isArray(approvers) ? approvers : []
    const who = `${String(first).replace(/^(role|user):/, '')}${Array.isArray(approvers) && approvers.length > 1 ? ' …' : ''}`
    const required = typeof params.required === 'number' && params.required > 1 ? `${params.required} × ` : ''
    return [`${required}${who}`, text(params, 'expires')].filter((part) => part !== '').join(' · ')
  },
  check,
  by: 'people',
  compile(params) {
    const ask: ApprovalAsk = {
      approvers: (params.approvers as string[] | undefined) ?? [],
      required: typeof params.required === 'number' ? params.required : 1,
      selfApproval: params.selfApproval === true,
      message: text(params, 'message'),
      fields: (params.fields as unknown as ApprovalField[] | undefined) ?? [],
      expiresMs: parseDuration(text(params, 'expires')) ?? 0,
      onExpiry: (text(params, 'onExpiry') || 'reject') as OnExpiry,
    }
    if (utf8Length(JSON.stringify(ask)) > limits.approvalBytes) {
      throw new ParamError('approval', {
        field: 'fields',
        said: say('approval_long', { most: limits.approvalBytes / 1024 }),
      })
    }
    return { by: 'people', ask }
  },
}

function check(params: JsonObject, given: ReadonlySet<string>): ParamProblem[] {
  const problems: ParamProblem[] = []
  const add = (field: string, said: Said) => problems.push({ field, said })
  const { approvers } = params
  if (Array.isArray(approvers)) {
    for (const said of approverProblems(approvers as string[], params.required)) add('approvers', said)
  }
  if (params.expires !== undefined) {
    const ms = parseDuration(text(params, 'expires'))
    if (ms === undefined || ms < 1) add('expires', say('wait_duration', { value: shortText(text(params, 'expires')) }))
    else if (ms > limits.durationMs) add('expires', say('duration_long'))
  }
  if (params.onExpiry === 'approve' && !given.has('expires')) add('onExpiry', say('approval_no_expiry'))
  const all = Array.isArray(params.fields) ? (params.fields as unknown as ApprovalField[]) : []
  for (const said of fieldProblems(all, params.onExpiry === 'approve')) add('fields', said)
  return problems
}

function* approverProblems(approvers: string[], required: unknown): Generator<Said> {
  if (approvers.length === 0) yield say('approval_nobody')
  for (const approver of approvers) {
    if (hasExpression(approver)) continue
    const { kind, who } = approverParts(approver)
    const value = shortText(approver)
    if (kind === 'role' && findRole(who) === undefined) {
      const ids = builtInRoles.map(({ id }) => id)
      yield say('approval_role', { value: shortText(who), options: ids.join(', '), near: nearest(who, ids) })
    } else if (kind !== 'role' && !(kind === 'user' && /^[^\s@,]+@[^\s@,]+$/.test(who))) {
      yield say('approval_approver', { value, ...(kind === 'team' && { team: 'true' }) })
    }
  }
  const people = new Set(approvers.map((approver) => approver.toLowerCase()))
  const onlyPeople = approvers.every((approver) => approverParts(approver).kind === 'user' && !hasExpression(approver))
  if (typeof required === 'number' && onlyPeople && people.size < required && people.size > 0) {
    yield say('approval_required', { required, count: people.size })
  }
}

function* fieldProblems(all: ApprovalField[], expiresApproved: boolean): Generator<Said> {
  const names = new Set<string>()
  for (const field of all) {
    const { name } = field
    const own = (approvalOutputs as readonly string[]).includes(name)
    if (own || !patterns.identifier.test(name)) {
      yield say('approval_field', { value: shortText(name), ...(own && { own: 'true' }) })
    } else if (names.has(name)) yield say('approval_field_twice', { name })
    names.add(name)
    if (field.type === 'choice' && (field.options ?? []).length === 0) {
      yield say('approval_options', { name })
      continue
    }
    const [definition] = fieldDefinitions([field])
    const value = definition && defaultOf(definition)
    const templated = field.default !== undefined && hasExpression(field.default)
    const problem = !definition || value === undefined || templated ? undefined : inputProblem(definition, value)
    if (problem !== undefined) yield say('approval_default', { name, problem })
    if (expiresApproved && field.required && field.default === undefined) yield say('approval_answers', { name })
  }
}
