// Why something that a forge has sent starts nothing, before any pipeline is asked, and why one that was asked could not be started.
import type { Entry } from './template.ts'

export const ofDeliveries = {
  delivery_signature: {
    params: [],
    en: 'Its signature is wrong: whoever sent it has another secret.',
    'zh-CN': '签名错误：发送方使用了另一个密钥。',
  },
  delivery_json: { params: [], en: 'Its body is no JSON.', 'zh-CN': '内容不是 JSON。' },
  delivery_json_at: {
    params: ['line', 'column'],
    en: 'It is no JSON: look at line {line}, column {column}.',
    'zh-CN': '内容不是 JSON：请检查第 {line} 行第 {column} 列。',
  },
  delivery_ping: {
    params: [],
    en: 'The forge has only tried whether somebody is here.',
    'zh-CN': '代码平台只是测试连通性。',
  },
  delivery_unknown: { params: ['event'], en: 'Nothing is started by {event}.', 'zh-CN': '{event} 不启动任何运行。' },
  delivery_incomplete: {
    params: ['field'],
    en: 'It lacks {field}, or that is not what it should be.',
    'zh-CN': '缺少 {field}，或其内容不符合要求。',
  },
  delivery_app: {
    params: ['event'],
    en: 'Here an app has only checks run again: {event} comes by the repository’s own hook.',
    'zh-CN': '应用发到这里的事件只用于重新运行检查：{event} 由仓库自己的 Webhook 送达。',
  },
  delivery_check: {
    params: [],
    en: 'The check is of no run that is known here for this commit.',
    'zh-CN': '该检查不属于这里已知的、针对此提交的任何运行。',
  },
  delivery_commit: {
    params: [],
    en: 'No run for this commit is known here.',
    'zh-CN': '这里没有针对此提交的运行。',
  },
  delivery_rerun_open: {
    params: ['number'],
    en: 'Run #{number} goes on: what has ended can be run again.',
    'zh-CN': '运行 #{number} 还在进行：结束后才能重新运行。',
  },
  delivery_rerun: {
    params: ['problem'],
    en: 'It could not be run again. {problem}',
    'zh-CN': '无法重新运行。{problem}',
  },
  delivery_other: {
    params: ['repository', 'own'],
    en: 'It is about {repository}, and this is {own}.',
    'zh-CN': '它属于 {repository}，而这里是 {own}。',
  },
  delivery_moved: {
    params: ['name', 'commit'],
    en: '{name} does not lead to {commit} any more: what came after it counts.',
    'zh-CN': '{name} 已不再指向 {commit}：以之后的内容为准。',
  },
  delivery_unread: {
    params: ['detail'],
    en: 'The repository could not be read ({detail}).',
    'zh-CN': '无法读取仓库（{detail}）。',
  },
  delivery_none: {
    params: [],
    en: 'There is no pipeline to ask: no file in the repository, and none in the project that something in a repository starts.',
    'zh-CN': '没有可询问的流水线：仓库中没有流水线文件，项目中也没有由仓库事件启动的流水线。',
  },
  delivery_fork: {
    params: ['repository', 'commit'],
    en: 'It comes from {repository}: somebody who may has to approve {commit} first.',
    'zh-CN': '它来自 {repository}：需要有权限的人先批准 {commit}。',
  },
  delivery_fork_none: {
    params: ['repository'],
    en: 'It comes from {repository}, and the repository starts nothing for pull requests from elsewhere.',
    'zh-CN': '它来自 {repository}，而本仓库不为来自其他仓库的合并请求启动运行。',
  },
  delivery_new_file: {
    params: ['path'],
    en: '{path} is not known as a pipeline, and strangers make none: it runs once somebody approves the commit.',
    'zh-CN': '{path} 还不是已知的流水线，外部人员不能新建流水线：有人批准该提交后它才会运行。',
  },
  delivery_comment: {
    params: ['sender'],
    en: '{sender} may not start runs by comments: that takes the right to push to the repository.',
    'zh-CN': '{sender} 不能通过评论启动运行：这需要仓库的推送权限。',
  },
  delivery_assumed: {
    params: ['sender'],
    en: 'If {sender} may push to the repository: of what nobody has signed, the forge is not asked.',
    'zh-CN': '前提是 {sender} 有仓库的推送权限：内容没有签名，因此未向代码平台查询。',
  },
  delivery_untold: {
    params: ['name'],
    en: 'No delivery has told of {name} yet: before that, the forge is not asked for its commit.',
    'zh-CN': '还没有投递提到过 {name}：在此之前不会向代码平台获取它的提交。',
  },
  delivery_comment_forge: {
    params: [],
    en: 'This forge does not say who may push, so comments start nothing.',
    'zh-CN': '该代码平台不提供推送权限信息，因此评论不启动运行。',
  },
  delivery_file: {
    params: ['path', 'problem'],
    en: '{path} is no pipeline at this commit. {problem}',
    'zh-CN': '{path} 在该提交中不是有效的流水线。{problem}',
  },
  delivery_file_unread: {
    params: ['path', 'detail'],
    en: '{path} could not be read ({detail}).',
    'zh-CN': '无法读取 {path}（{detail}）。',
  },
  delivery_name: {
    params: ['path', 'name'],
    en: '{path} is named {name}, as another pipeline of the project is: give it another name.',
    'zh-CN': '{path} 的名称 {name} 与项目中的另一条流水线相同：请换一个名称。',
  },
  delivery_left: {
    params: ['path', 'name'],
    en: '{path} is left alone: the pipeline {name} is kept in AnsFlow.',
    'zh-CN': '{path} 不起作用：流水线 {name} 保存在 AnsFlow 中。',
  },
  delivery_input: {
    params: ['input', 'problem'],
    en: 'The input {input} does not fit. {problem}',
    'zh-CN': '输入 {input} 不符合要求。{problem}',
  },
  delivery_refused: {
    params: ['detail'],
    en: 'It could not be started ({detail}).',
    'zh-CN': '无法启动（{detail}）。',
  },
  delivery_tired: {
    params: ['count', 'detail'],
    en: 'It was given up after {count} tries ({detail}).',
    'zh-CN': '尝试 {count} 次后放弃（{detail}）。',
  },
} as const satisfies Record<string, Entry>
