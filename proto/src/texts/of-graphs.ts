// What is wrong with a pipeline's steps, edges and fields, whoever made them.
import { word, wordParams, wordZh } from './parts.ts'
import type { Entry } from './template.ts'

export const ofGraphs = {
  empty: {
    params: [],
    en: 'The pipeline has no steps. Add at least one.',
    'zh-CN': '流水线还没有步骤，请至少添加一个。',
  },
  many_steps: {
    params: ['count', 'most'],
    en: 'The pipeline has {count} steps; {most} are possible.',
    'zh-CN': '流水线有 {count} 个步骤；最多 {most} 个。',
  },
  canvas_steps: {
    params: ['most'],
    en: 'A pipeline can have {most} steps on the canvas.',
    'zh-CN': '一条流水线在画布上最多有 {most} 个步骤。',
  },
  change_large: {
    params: ['most'],
    en: 'This is more than one change can bring: {most} KiB are possible. Do it in parts.',
    'zh-CN': '一次更改的内容过大：最多 {most} KiB。请分几次进行。',
  },
  document_large: {
    params: ['most'],
    en: 'The pipeline would become too large: with what was deleted it can have {most} MiB.',
    'zh-CN': '流水线会变得过大：连同已删除的内容，最多 {most} MiB。',
  },
  too_much_waits: {
    params: ['most'],
    en: 'More than {most} MiB would wait here for the server. Go on once the connection is back.',
    'zh-CN': '等待发送到服务器的更改会超过 {most} MiB。请在恢复连接后继续。',
  },
  many_inputs: {
    params: ['count', 'most'],
    en: 'The pipeline has {count} inputs; {most} are possible.',
    'zh-CN': '流水线有 {count} 个参数；最多 {most} 个。',
  },
  many_schedules: {
    params: ['most'],
    en: 'There are more than {most} schedules.',
    'zh-CN': '定时计划超过 {most} 个。',
  },
  schedule_name: {
    params: ['most'],
    en: 'The name of a schedule must be one line of at most {most} characters without spaces at its ends.',
    'zh-CN': '定时计划的名称须为一行，最多 {most} 个字符，首尾没有空格。',
  },
  duplicate_schedule: {
    params: ['name'],
    en: 'There are two schedules {name}. Give each a name of its own.',
    'zh-CN': '有两个定时计划 {name}。请各取一个名称。',
  },
  many_run_triggers: {
    params: ['most'],
    en: 'There are more than {most} pipelines whose runs start this one.',
    'zh-CN': '触发本流水线的流水线超过 {most} 条。',
  },
  many_branches: { params: ['most'], en: 'There are more than {most} branches.', 'zh-CN': '分支超过 {most} 个。' },
  many_headers: { params: ['most'], en: 'There are more than {most} headers.', 'zh-CN': '请求头超过 {most} 个。' },
  header_name: {
    params: ['name'],
    en: '{name} is no name of a header.',
    'zh-CN': '{name} 不是请求头的名称。',
  },
  header_secret: {
    params: ['name'],
    en: 'The header {name} holds what nobody should see in a run. Use another one.',
    'zh-CN': '请求头 {name} 含有不应出现在运行中的内容，请使用其他请求头。',
  },
  group_name: {
    params: ['most'],
    en: 'The name of a group must be one line of at most {most} characters without spaces at its ends.',
    'zh-CN': '并发组的名称须为一行，最多 {most} 个字符，首尾没有空格。',
  },
  environment_name: {
    params: ['most'],
    en: 'The name of an environment has 1 to {most} characters, no line breaks and no space at its ends.',
    'zh-CN': '环境名称为 1 到 {most} 个字符，不含换行，首尾不含空格。',
  },
  environment_form: {
    params: ['example'],
    en: 'environment is a name, or a map such as {example}.',
    'zh-CN': 'environment 是一个名称，或 {example} 这样的映射。',
  },
  environment_url: {
    params: ['most', 'value?'],
    en: 'The address of an environment begins with http:// or https://, has no spaces and at most {most} characters[; here it is {value}].',
    'zh-CN': '环境地址以 http:// 或 https:// 开头，不含空格，最多 {most} 个字符[；此处为 {value}]。',
  },
  lock_name: {
    params: ['most'],
    en: 'The name of a lock must be one line of at most {most} characters without spaces at its ends.',
    'zh-CN': '锁的名称须为一行，最多 {most} 个字符，首尾没有空格。',
  },
  lock_limit: {
    params: ['most'],
    en: 'How many steps hold a lock at once must be a whole number from 1 to {most}.',
    'zh-CN': '同时持有一把锁的步骤数须为 1 到 {most} 的整数。',
  },
  lock_entry: {
    params: ['example'],
    en: 'A lock is a name, or a map such as {example}.',
    'zh-CN': '锁是一个名称，或 {example} 这样的映射。',
  },
  group_limit: {
    params: ['most'],
    en: 'How many runs go on at once must be a whole number from 1 to {most}.',
    'zh-CN': '同时进行的运行数须为 1 到 {most} 的整数。',
  },
  many_variables: {
    params: ['most'],
    en: 'There are more than {most} variables.',
    'zh-CN': '变量超过 {most} 个。',
  },
  many_options: {
    params: ['count', 'most'],
    en: 'There are {count} options; {most} are possible.',
    'zh-CN': '有 {count} 个选项；最多 {most} 个。',
  },
  many_needs: {
    params: ['most'],
    en: 'A step may need at most {most} others.',
    'zh-CN': '一个步骤最多依赖 {most} 个。',
  },
  many_words: {
    params: ['most', 'noun'],
    en: 'A step may have at most {most} {noun}.',
    'zh-CN': '一个步骤最多有 {most} 个[{noun=labels}标签|{noun=secrets}密钥|{noun=locks}锁|输出]。',
  },
  variable_long: {
    params: ['name', 'most'],
    en: '{name} is longer than {most} KiB.',
    'zh-CN': '{name} 超过 {most} KiB。',
  },
  description_long: {
    params: ['most'],
    en: 'The description is longer than {most} characters.',
    'zh-CN': '描述超过 {most} 个字符。',
  },
  no_name: {
    params: [],
    en: 'The pipeline has no name. Write `name: …` at the top.',
    'zh-CN': '流水线没有名称。请在开头写 `name: …`。',
  },
  pipeline_name: {
    params: ['most'],
    en: 'The name must be one line of at most {most} characters without spaces at its ends.',
    'zh-CN': '名称须为一行，最多 {most} 个字符，首尾没有空格。',
  },
  step_name: {
    params: ['most'],
    en: 'The name must be one line of at most {most} characters.',
    'zh-CN': '名称须为一行，最多 {most} 个字符。',
  },
  call_missing: {
    params: ['name'],
    en: 'There is no pipeline {name} that you may see. Write project/name for one of another project, and publish it first.',
    'zh-CN': '没有你可以查看的流水线 {name}。其他项目的流水线请写作 项目/名称，并先发布它。',
  },
  call_forbidden: {
    params: ['name'],
    en: 'You may not start the pipeline {name}, so you cannot publish what starts it.',
    'zh-CN': '你无权启动流水线 {name}，因此不能发布会启动它的内容。',
  },
  trigger_forbidden: {
    params: ['name'],
    en: 'You may not see runs of the pipeline {name}, so you cannot publish what they start.',
    'zh-CN': '你无权查看流水线 {name} 的运行，因此不能发布由它触发的内容。',
  },
  call_cycle: {
    params: ['chain'],
    en: 'The pipelines would start one another without end: {chain}.',
    'zh-CN': '这些流水线会无休止地相互启动：{chain}。',
  },
  many_outputs: {
    params: ['most'],
    en: 'A pipeline may have at most {most} outputs.',
    'zh-CN': '一条流水线最多有 {most} 个输出。',
  },
  duplicate_output: { params: ['name'], en: 'The output {name} is set twice.', 'zh-CN': '输出 {name} 设置了两次。' },
  duplicate_env: { params: ['name'], en: '{name} is set twice.', 'zh-CN': '{name} 设置了两次。' },
  shadowed: {
    params: ['name'],
    en: '{name} is set in env and is a secret too; the secret wins. Remove one.',
    'zh-CN': '{name} 既在 env 中又是密钥，以密钥为准。请移除一个。',
  },
  no_effect: {
    params: ['key', 'by', 'type'],
    en: '[{by=agent}A {type} step runs no script|{by=clock}A {type} step starts nothing|{by=people}People decide a {type} step|{by=run}A run of its own does what a {type} step says|The controller does what a {type} step says], so {key} has no effect. Remove it.',
    'zh-CN':
      '{type} 步骤[{by=agent}不运行脚本|{by=clock}不启动任何程序|{by=people}由人决定|{by=run}由另一次运行完成|由控制器执行]，{key} 没有作用。请移除。',
  },
  retries: {
    params: ['most'],
    en: 'A step may be retried at most {most} times.',
    'zh-CN': '一个步骤最多重试 {most} 次。',
  },
  jitter: {
    params: [],
    en: 'The jitter is a part from 0 to 1, for example 0.2 for delays that are up to a fifth longer or shorter.',
    'zh-CN': 'jitter 是 0 到 1 的比例，例如 0.2 表示间隔最多延长或缩短五分之一。',
  },
  backoff: {
    params: [],
    en: 'The backoff is a factor from 1 to 100, for example 2 to double the delay each time.',
    'zh-CN': 'backoff 是 1 到 100 的倍数，例如 2 表示每次间隔加倍。',
  },

  duplicate_step: {
    params: ['name'],
    en: 'There are two steps named {name}. Rename one.',
    'zh-CN': '有两个步骤都叫 {name}。请重命名其中一个。',
  },
  self_need: {
    params: ['need'],
    en: '{need} needs itself. Remove that need.',
    'zh-CN': '{need} 依赖自身。请移除该依赖。',
  },
  unknown_need: {
    params: ['need', 'near?'],
    en: 'There is no step "{need}" to need.[ Did you mean "{near}"?]',
    'zh-CN': '要等待的步骤“{need}”不存在。[是否想写“{near}”？]',
  },
  duplicate_need: {
    params: ['need'],
    en: '"{need}" is needed twice. Remove one.',
    'zh-CN': '重复等待了“{need}”。请移除一个。',
  },
  cycle: {
    params: ['path'],
    en: 'These steps wait for each other: {path}. Remove one of these needs.',
    'zh-CN': '这些步骤互相等待：{path}。请移除其中一个依赖。',
  },
  agent_labels: {
    params: ['labels', 'steps'],
    en: 'No agent has the labels {labels} that {steps} asks for, so it waits until one does.',
    'zh-CN': '没有代理带有 {steps} 所要求的标签 {labels}，它会一直等待，直到有这样的代理。',
  },
  workspace_labels: {
    params: ['labels', 'workspace', 'steps'],
    en: 'No agent has the labels {labels} together, for which steps of the workspace {workspace} ask ({steps}). A workspace lives on one agent, so all its steps wait until an agent has them. Steps that need no files of each other can have workspaces of their own.',
    'zh-CN':
      '没有代理同时带有标签 {labels}，而工作区 {workspace} 的步骤（{steps}）要求它们。工作区只在一个代理上，因此在有这样的代理之前，它的所有步骤都会等待。彼此不需要文件的步骤可以各用自己的工作区。',
  },

  duplicate_input: {
    params: [...wordParams],
    en: `There are two inputs named ${word}. Rename one.`,
    'zh-CN': `有两个参数都叫 ${wordZh}。请重命名其中一个。`,
  },
  options_none: {
    params: ['example'],
    en: 'A choice needs options: {example}.',
    'zh-CN': '选择型参数需要选项：{example}。',
  },
  options_twice: { params: [], en: 'An option is listed twice.', 'zh-CN': '有一个选项列了两次。' },
  options_other: {
    params: [],
    en: 'Only an input of type choice has options. Write `type: choice` or remove them.',
    'zh-CN': '只有选择型参数有选项。请写 `type: choice`，或移除选项。',
  },

  // Of a draft that several people edit.
  edge_suspended: {
    params: ['from', 'to'],
    en: 'The edge from "{from}" to "{to}" would close a cycle, so it does not count. Remove it, or an edge on the way back.',
    'zh-CN': '从“{from}”到“{to}”的连线会构成环，因此不生效。请移除它，或回程上的一条连线。',
  },
  edge_doubled: {
    params: ['from', 'to', 'kind'],
    en: '"{to}" waits for "{from}" in two ways; "{kind}" counts, as it was drawn later.',
    'zh-CN': '“{to}”以两种方式等待“{from}”；以较晚画的“{kind}”为准。',
  },
  step_key_taken: {
    params: ['key', 'used'],
    en: 'Two steps have the key "{key}"; this one counts as "{used}".',
    'zh-CN': '两个步骤的键都是“{key}”；此步骤按“{used}”计。',
  },
  input_name_taken: {
    params: ['name', 'used'],
    en: 'Two inputs are named "{name}"; this one counts as "{used}".',
    'zh-CN': '两个参数都名为“{name}”；此参数按“{used}”计。',
  },
  value_clamped: {
    params: ['field', 'value', 'used'],
    en: '{field} is {value}; it counts as {used}.',
    'zh-CN': '{field} 为 {value}；按 {used} 计。',
  },
  value_missing: {
    params: [],
    en: 'The type of this step went missing; it counts as "custom".',
    'zh-CN': '此步骤的类型丢失；按“custom”计。',
  },
} as const satisfies Record<string, Entry>
