// What a pipeline asks of what is around it and is not there: people, secrets, other pipelines; and what came from outside and fits nothing.
import type { Entry } from './template.ts'

export const ofSurroundings = {
  approval_no_one: {
    params: ['approvers'],
    en: 'Nobody can decide this: no member of the project who may decide is meant by {approvers}. Give somebody that role under Members of the project, or name others.',
    'zh-CN': '没有人能审批：项目中没有可审批的成员属于 {approvers}。请在项目的“成员”中授予该角色，或改写审批人。',
  },
  approval_unable: {
    params: ['who', 'viewer?'],
    en: '{who} cannot decide this: [{viewer?}viewers only look. Make them a developer|nobody of that address is a member of the project. Invite them as a developer] under Members of the project, or name somebody else.',
    'zh-CN':
      '{who} 不能审批：[{viewer?}只读成员只能查看。请在项目的“成员”中将其设为开发者|项目中没有使用该地址的成员。请在项目的“成员”中邀请其为开发者]，或改写审批人。',
  },
  approval_too_few: {
    params: ['required', 'count', 'people'],
    en: '{required} have to approve, but only [{count=1}one person|{count} people] can: {people}. Ask for fewer, or give others the role under Members of the project.',
    'zh-CN':
      '需要 {required} 人批准，但只有 {count} 人可以审批：{people}。请减少人数，或在项目的“成员”中授予更多人该角色。',
  },
  approval_own_all: {
    params: ['required', 'people'],
    en: 'Who starts a run does not decide its approvals, and then fewer than the {required} who have to approve are left, whoever starts it: only {people} can decide. Set selfApproval to true, or give others the role under Members of the project.',
    'zh-CN':
      '发起运行的人不能审批自己的运行，因此无论由谁发起，剩下的人都不足 {required} 人：只有 {people} 可以审批。请将 selfApproval 设为 true，或在项目的“成员”中授予其他人该角色。',
  },
  approval_own: {
    params: ['required', 'people'],
    en: 'A run that you start yourself cannot be approved: who starts it does not decide, and without you fewer than {required} are left of those who can ({people}). Set selfApproval to true, or give others the role under Members of the project.',
    'zh-CN':
      '由你自己发起的运行将无法获批：发起人不能审批，而除你之外可审批的人（{people}）不足 {required} 人。请将 selfApproval 设为 true，或在项目的“成员”中授予其他人该角色。',
  },

  // While it waits.
  stuck_nobody: {
    params: ['approvers'],
    en: 'Nobody may decide this now: no member of the project who may decide is meant by {approvers}. Give somebody that role under Members of the project, or cancel the run.',
    'zh-CN': '目前没有人可以审批：项目中没有可审批的成员属于 {approvers}。请在项目的“成员”中授予该角色，或取消运行。',
  },
  stuck_own: {
    params: ['who', 'approvers', 'count'],
    en: '[{count=0}Nobody else|Only {count} more] may decide this now: it waits for {approvers}, and {who}, who could decide, started this run. Give somebody else that role under Members of the project, or let another person start the run.',
    'zh-CN':
      '目前[{count=0}没有其他人|仅有 {count} 名其他人]可以审批：它等待{approvers}，而可以审批的 {who} 发起了此运行。请在项目的“成员”中授予其他人该角色，或由他人发起运行。',
  },
  stuck_few: {
    params: ['missing', 'count', 'people'],
    en: 'Too few people may decide this now: {missing} more have to approve, but only [{count=1}one person|{count} people] can: {people}. Give others the role under Members of the project, or cancel the run.',
    'zh-CN':
      '目前可以审批的人不足：还需 {missing} 人批准，但只有 {count} 人可以审批：{people}。请在项目的“成员”中授予更多人该角色，或取消运行。',
  },

  secret_absent: {
    params: ['name'],
    en: 'The project has no secret {name}, so the step would fail. Add it under Secrets of the project.',
    'zh-CN': '项目没有密钥 {name}，该步骤会失败。请在项目的“密钥”中添加。',
  },

  environment_absent: {
    params: ['name', 'near?'],
    en: 'The project has no environment {name}, so the step would fail.[ Did you mean {near}?] Add it under Environments of the project, or name another.',
    'zh-CN': '项目没有环境 {name}，该步骤会失败。[是否指 {near}？]请在项目的“环境”中添加，或改用其他环境。',
  },

  call_unpublished: {
    params: ['name'],
    en: 'The pipeline {name} has no published version yet, so the step would fail. Publish it first.',
    'zh-CN': '流水线 {name} 还没有已发布的版本，该步骤会失败。请先发布它。',
  },
  call_input: {
    params: ['pipeline', 'version', 'input', 'problem', 'inputs?'],
    en: 'Version {version} of the pipeline {pipeline} would refuse the input {input}: {problem}[ Its inputs are {inputs}.]',
    'zh-CN': '流水线 {pipeline} 的第 {version} 版不会接受参数 {input}：{problem}[它的参数有：{inputs}。]',
  },

  // What a webhook brought.
  hook_type: {
    params: [],
    en: 'The content type must be application/json.',
    'zh-CN': '内容类型须为 application/json。',
  },
  hook_json: { params: [], en: 'The body is no JSON.', 'zh-CN': '内容不是 JSON。' },
  hook_deep: { params: [], en: 'The body is nested too deeply.', 'zh-CN': '内容嵌套过深。' },
  hook_unreadable: {
    params: ['at', 'problem'],
    en: '[{at=filter}Whether it starts a run cannot be said: the condition under on, webhook, filter does not fit what was posted.|The inputs of a run cannot be made of it: what stands under on, webhook, inputs does not fit what was posted.] {problem}',
    'zh-CN':
      '[{at=filter}无法判断是否启动运行：on 的 webhook 中的 filter 条件与收到的内容不符。|无法由其得出运行的参数：on 的 webhook 中的 inputs 与收到的内容不符。]{problem}',
  },
  hook_input: {
    params: ['input', 'problem'],
    en: 'What was posted does not fit the input {input} of the pipeline. {problem}',
    'zh-CN': '收到的内容与流水线的参数 {input} 不符。{problem}',
  },
} as const satisfies Record<string, Entry>
