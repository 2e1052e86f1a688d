// Why a step or a run waits, or ended as it did: every code once, with its parameters and its sentences. The engine builds
// reasons from it, the API sends code, parameters and the English sentence, the console says it in the reader's language.
import type { Entry } from '../texts/template.ts'
import { ofContainers } from './of-containers.ts'
import { ofEnvironments } from './of-environments.ts'
import { ofMatrices } from './of-matrices.ts'

const shares = '[ Steps of workspace {shares}, which lives on one agent, ask for them.]'
const sharesZh = '[工作区 {shares} 只在一个代理上，它的步骤要求这些标签。]'

export const reasonTable = {
  // Of steps that wait.
  needs: {
    params: ['steps', 'more?'],
    en: 'Waits for {steps}[{more?} and others].',
    'zh-CN': '等待 {steps}[{more?} 等步骤]。',
  },
  queued: { params: [], en: 'Waits for an agent.', 'zh-CN': '等待代理。' },
  no_agent: { params: [], en: 'No agent is online.', 'zh-CN': '没有在线的代理。' },
  agents_offline: {
    params: ['agents', 'more?'],
    en: 'Waits for an agent that can run it to come online: {agents}[{more?} or another].',
    'zh-CN': '等待能运行它的代理上线：{agents}[{more?} 等]。',
  },
  labels_missing: {
    params: ['labels', 'claimed?', 'shares?', 'lacks?', 'steps?', 'more?'],
    en: `No agent with the labels {labels} is online.[ Agent {claimed} only says so of itself.]${shares}[ Asked for by {steps}][{more?} and others][{steps?}: {lacks}.]`,
    'zh-CN': `没有带标签 {labels} 的在线代理。[代理 {claimed} 只是自报。]${sharesZh}[由步骤 {steps}][{more?} 等][{steps?} 提出要求：{lacks}。]`,
  },
  capability_missing: {
    params: ['capability', 'labels?', 'shares?'],
    en: `No agent[ with the labels {labels}] [{capability=container}with a container runtime|that can run {capability} steps] is online.${shares}`,
    'zh-CN': `没有[带标签 {labels}、][{capability=container}带容器运行时|能运行 {capability} 步骤]的在线代理。${sharesZh}`,
  },
  agents_trusted: {
    params: [],
    en: 'Waits for an agent that takes runs of strangers: none that could run it does. Agents says which may; approving the commit lets it run on the others.',
    'zh-CN':
      '等待接受外部人员运行的代理：能运行它的代理都不接受。可在“代理”页设置，或批准该提交，使其可在其他代理上运行。',
  },
  agents_busy: {
    params: ['count', 'labels?', 'shares?'],
    en: `[{count=1}The one agent|All {count} agents][ with the labels {labels}] [{count=1}is|are] busy.${shares}`,
    'zh-CN': `[带标签 {labels} 的|全部] {count} 个代理都在忙。${sharesZh}`,
  },
  draining: {
    params: ['labels?', 'shares?'],
    en: `All agents[ with the labels {labels}] are draining.${shares}`,
    'zh-CN': `[带标签 {labels} 的|符合的]代理都在排空。${sharesZh}`,
  },
  workspace_full: {
    params: ['agent', 'workspace'],
    en: 'Waits for agent {agent}: it holds workspace {workspace} and is full.',
    'zh-CN': '等待代理 {agent}：它持有工作区 {workspace}，已满。',
  },
  workspace_offline: {
    params: ['agent', 'workspace'],
    en: 'Waits for agent {agent}: it holds workspace {workspace} and is offline.',
    'zh-CN': '等待代理 {agent}：它持有工作区 {workspace}，已离线。',
  },
  workspace_draining: {
    params: ['agent', 'workspace'],
    en: 'Waits for agent {agent}: it holds workspace {workspace} and is draining.',
    'zh-CN': '等待代理 {agent}：它持有工作区 {workspace}，正在排空。',
  },
  workspace_lacks: {
    params: ['agent', 'workspace', 'lacks', 'steps?', 'more?'],
    en: 'Agent {agent} holds workspace {workspace} but lacks the labels {lacks}, [asked for by {steps}|for which steps of that workspace ask][{more?} and others].',
    'zh-CN':
      '代理 {agent} 持有工作区 {workspace}，但缺少[步骤 {steps}|该工作区的步骤][{more?} 等]所要求的标签 {lacks}。',
  },
  workspace_trusted: {
    params: ['agent', 'workspace'],
    en: 'Agent {agent} holds workspace {workspace} but no longer takes runs of strangers.',
    'zh-CN': '代理 {agent} 持有工作区 {workspace}，但已不再接受外部人员的运行。',
  },
  workspace_cannot: {
    params: ['agent', 'workspace', 'capability'],
    en: 'Agent {agent} holds workspace {workspace} but [{capability=container}has no container runtime|cannot run {capability} steps]. With a workspace of its own another agent can.',
    'zh-CN':
      '代理 {agent} 持有工作区 {workspace}，但[{capability=container}没有容器运行时|不能运行 {capability} 步骤]。为它另设工作区，其他代理便可运行。',
  },
  work_queued: { params: [], en: 'The controller is about to do it.', 'zh-CN': '控制器即将执行。' },
  offered: { params: ['agent'], en: 'Offered to agent {agent}.', 'zh-CN': '已提供给代理 {agent}。' },
  rejected: {
    params: ['agent', 'message'],
    en: 'Agent {agent} refused it: {message}. Waits for an agent.',
    'zh-CN': '代理 {agent} 拒绝了它：{message}。等待代理。',
  },
  starting: { params: ['agent'], en: 'Agent {agent} is starting it.', 'zh-CN': '代理 {agent} 正在启动它。' },
  retry_delay: {
    params: ['attempt', 'at'],
    en: 'Attempt {attempt} starts at {at}.',
    'zh-CN': '第 {attempt} 次尝试将于 {at} 开始。',
  },
  approval_waits: {
    params: ['approvers', 'more?', 'have', 'required', 'until?'],
    en: 'Waits for the approval of {approvers}[{more?} or others][{required=1}|: {have} of {required} so far][, until {until}].',
    'zh-CN': '等待审批：{approvers}[{more?} 等][{required=1}|（已批准 {have}/{required}）][，截至 {until}]。',
  },
  child_queued: {
    params: ['pipeline'],
    en: 'A run of {pipeline} is about to begin.',
    'zh-CN': '即将启动 {pipeline}。',
  },
  child_waits: {
    params: ['run'],
    en: 'Waits for the end of {run}.',
    'zh-CN': '等待 {run} 结束。',
  },
  waiting_until: { params: ['until'], en: 'Waits until {until}.', 'zh-CN': '等到 {until}。' },

  locks_next: {
    params: ['locks'],
    en: 'Waits for its turn with the locks {locks}.',
    'zh-CN': '等待轮到它使用锁 {locks}。',
  },
  lock_waits: {
    params: ['lock', 'holder', 'number', 'pipeline', 'queued?'],
    en: 'Waits for lock {lock}: [{queued?}next is|held by] step {holder} of run #{number} of {pipeline}[{queued?}, which waits as well].',
    'zh-CN':
      '等待锁 {lock}：{pipeline} 的运行 #{number} 的步骤 {holder} [{queued?}排在前面（它也在等待）|正在使用它]。',
  },
  project_limit: {
    params: ['limit', 'untrusted?'],
    en: 'Waits for another job of [{untrusted?}strangers in ]the project to end: at most {limit} [{limit=1}runs|run] at once, as its settings say.',
    'zh-CN': '等待项目的另一个[{untrusted?}外部人员的]作业结束：按项目设置，最多同时运行 {limit} 个。',
  },
  run_waits: { params: [], en: 'Waits until the run may begin.', 'zh-CN': '等待运行可以开始。' },
  max_parallel: {
    params: ['most'],
    en: 'Waits for another copy to end: at most {most} [{most=1}runs|run] at once.',
    'zh-CN': '等待另一个副本结束：最多同时运行 {most} 个。',
  },

  // Of what goes on.
  copies: {
    params: ['count'],
    en: 'Runs as {count} [{count=1}copy|copies].',
    'zh-CN': '以 {count} 个副本运行。',
  },
  running: { params: ['agent?'], en: 'Runs[ on agent {agent}].', 'zh-CN': '[在代理 {agent} 上运行|运行中]。' },
  unreachable: {
    params: ['agent', 'since', 'lostAt'],
    en: 'Agent {agent} has not been heard of since {since}. If that stays so, the step is lost at {lostAt}.',
    'zh-CN': '自 {since} 起没有代理 {agent} 的消息。若一直如此，该步骤将在 {lostAt} 记为失联。',
  },
  canceling: {
    params: ['by?'],
    en: 'Is being canceled[ by {by}].',
    'zh-CN': '[{by} 正在取消它|正在取消]。',
  },

  // Of steps that did not run.
  when_false: {
    params: ['when'],
    en: 'Its condition was false: {when}',
    'zh-CN': '条件不成立：{when}',
  },
  need_not_met: {
    params: ['step', 'status', 'condition?'],
    en: '[The condition of its edge from {step} was false: {condition}|Its need {step} {status}.]',
    'zh-CN': '[来自 {step} 的连线条件不成立：{condition}|所需的 {step} {status}。]',
  },
  disabled: { params: [], en: 'It is disabled.', 'zh-CN': '已停用。' },

  matrix_empty: { params: [], en: 'Its matrix has no copies.', 'zh-CN': '其矩阵没有副本。' },
  copies_skipped: { params: [], en: 'None of its copies ran.', 'zh-CN': '它的副本都没有运行。' },
  // Of approvals.
  approved: { params: ['by'], en: 'Approved by {by}.', 'zh-CN': '{by} 已批准。' },
  approval_rejected: {
    params: ['by', 'comment?'],
    en: 'Rejected by {by}[: {comment}|.]',
    'zh-CN': '{by} 已拒绝[：{comment}|。]',
  },
  approval_expired: {
    params: ['after', 'approved?'],
    en: '[{approved?}Nobody rejected it within {after}, so it counts as approved, as its step says.|It was not approved within {after}, so it counts as rejected.]',
    'zh-CN': '[{approved?}{after}内无人拒绝，按步骤的规定视为批准。|{after}内未获批准，视为拒绝。]',
  },

  // Of runs that a step has started.
  child_started: { params: ['run'], en: 'Has started {run}.', 'zh-CN': '已启动 {run}。' },
  child_ended: {
    params: ['run', 'status'],
    en: '{run} {status}.',
    'zh-CN': '{run} {status}。',
  },
  child_missing: {
    params: ['pipeline', 'by?'],
    en: 'There is no pipeline {pipeline}[ that {by}, for whom this run stands, may see].',
    'zh-CN': '没有流水线 {pipeline}[，或本次运行所代表的 {by} 无权查看它]。',
  },
  child_unpublished: {
    params: ['pipeline'],
    en: 'The pipeline {pipeline} has no version yet. Publish it.',
    'zh-CN': '流水线 {pipeline} 还没有版本，请先发布。',
  },
  child_forbidden: {
    params: ['pipeline', 'by?'],
    en: '[{by}, for whom this run stands,|Whoever this run stands for] may not start {pipeline}.',
    'zh-CN': '[本次运行代表 {by}，|本次运行所代表的人]无权启动 {pipeline}。',
  },
  child_deep: {
    params: ['chain', 'most'],
    en: 'More than {most} runs would lead to one another: {chain}.',
    'zh-CN': '相互触发的运行将超过 {most} 层：{chain}。',
  },
  child_inputs: {
    params: ['pipeline', 'input', 'problem'],
    en: 'The input {input} of {pipeline}: {problem}',
    'zh-CN': '{pipeline} 的参数 {input}：{problem}',
  },
  child_refused: {
    params: ['pipeline', 'message'],
    en: 'A run of {pipeline} cannot begin: {message}',
    'zh-CN': '无法启动 {pipeline}：{message}',
  },

  // Of steps that ended other than well.
  fail_fast: {
    params: ['step'],
    en: 'Not needed any more since {step} has failed (failFast).',
    'zh-CN': '{step} 已失败，不再需要（failFast）。',
  },
  ...ofMatrices,
  exit_code: {
    params: ['code'],
    en: 'Its command ended with exit code {code}.',
    'zh-CN': '命令以退出码 {code} 结束。',
  },
  signal: {
    params: ['signal'],
    en: 'Its command was ended by signal {signal}.',
    'zh-CN': '命令被信号 {signal} 结束。',
  },
  queue_timeout: {
    params: [
      'after',
      'lock?',
      'holder?',
      'number?',
      'pipeline?',
      'queued?',
      'ready?',
      'labels?',
      'agent?',
      'workspace?',
    ],
    en: '[{queued?}It did not get lock {lock} within {after}: step {holder} of run #{number} of {pipeline}, which waited as well, was before it.|It did not get lock {lock} within {after}: step {holder} of run #{number} of {pipeline} had it.|{ready?}No agent took it within {after}: it is for agent {agent}, which holds workspace {workspace}.|{ready?}No agent with the labels {labels} took it within {after}.|{ready?}No agent took it within {after}.|It did not get its locks and an agent within {after}.]',
    'zh-CN':
      '[{queued?}{after}内没有得到锁 {lock}：{pipeline} 的运行 #{number} 的步骤 {holder} 排在前面（它也在等待）。|{after}内没有得到锁 {lock}：{pipeline} 的运行 #{number} 的步骤 {holder} 正在使用它。|{ready?}{after}内没有代理接手：它只能由持有工作区 {workspace} 的代理 {agent} 运行。|{ready?}{after}内没有带标签 {labels} 的代理接手。|{ready?}{after}内没有代理接手。|{after}内没有得到锁和代理。]',
  },
  timeout: {
    params: ['after?'],
    en: 'It took longer than its timeout[ of {after}].',
    'zh-CN': '[超过了 {after}的超时时间|超过了超时时间]。',
  },
  lost: {
    params: ['agent?', 'message?'],
    en: '[{message}|Its agent {agent} was lost.|Its agent was lost.]',
    'zh-CN': '[{message}|它的代理 {agent} 已失联。|它的代理已失联。]',
  },
  agent_deleted: {
    params: ['agent', 'workspace?'],
    en: '[Agent {agent}, which held workspace {workspace}, was deleted.|Its agent {agent} was deleted.]',
    'zh-CN': '[持有工作区 {workspace} 的代理 {agent} 已被删除。|其代理 {agent} 已被删除。]',
  },
  agent_stopped: {
    params: ['agent?'],
    en: 'Canceled: [agent {agent}|its agent] was stopped.',
    'zh-CN': '已取消：[代理 {agent} |其代理]被停止。',
  },
  workspace_gone: {
    params: ['agent', 'workspace', 'steps?'],
    en: 'Agent {agent} does not have the workspace {workspace} of the earlier run any more. Run again[ from {steps}, which filled it| all].',
    'zh-CN': '代理 {agent} 上已没有先前运行的工作区 {workspace}。请[从填充它的 {steps} |全部]重跑。',
  },
  agent_error: {
    params: ['message?'],
    en: '[{message}|The agent could not run it.]',
    'zh-CN': '[{message}|代理无法运行它。]',
  },
  expression: {
    params: ['message?', 'problem?'],
    en: '[An expression failed: {message}|An expression failed: {problem}|An expression failed.]',
    'zh-CN': '[表达式失败：{message}|表达式失败：{problem}|表达式失败。]',
  },
  parameter: {
    params: ['problem', 'source?'],
    en: '{problem}[ The value came from {source}.]',
    'zh-CN': '{problem}[（该值来自 {source}）]',
  },
  secret_untrusted: {
    params: ['names'],
    en: 'The run is of a pull request from elsewhere that nobody has approved, so it gets no secrets, and this step asks for {names}. Approve its commit, or leave the step out with `when: run.trusted`.',
    'zh-CN':
      '此运行来自其他仓库的合并请求，尚无人批准，因此得不到密钥，而该步骤需要 {names}。请批准其提交，或用 `when: run.trusted` 跳过该步骤。',
  },
  ...ofContainers,
  ...ofEnvironments,
  secret_missing: { params: ['name'], en: 'The project has no secret {name}.', 'zh-CN': '项目没有密钥 {name}。' },
  repository_access: {
    params: ['message'],
    en: 'The connection of the repository gave no access to it: {message}',
    'zh-CN': '仓库的连接未能提供访问权限：{message}',
  },
  http_status: {
    params: ['status', 'expected'],
    en: 'It was answered with status {status}, where {expected} was expected.',
    'zh-CN': '应答状态为 {status}，期望 {expected}。',
  },
  request_failed: { params: ['message'], en: 'The request failed: {message}', 'zh-CN': '请求失败：{message}' },
  output_missing: {
    params: ['name', 'path'],
    en: 'The answer has no value at {path} for the output {name}.',
    'zh-CN': '应答中 {path} 处没有输出 {name} 的值。',
  },
  work_failed: {
    params: ['message'],
    en: 'The controller could not do it: {message}',
    'zh-CN': '控制器无法执行：{message}',
  },
  canceled: {
    params: ['by?', 'failed?', 'agentLost?'],
    en: 'Canceled[ by {by}][{agentLost?}; its agent was lost|{failed=1}; one step failed|; {failed} steps failed].',
    'zh-CN': '[由 {by} 取消|已取消][{agentLost?}；它的代理已失联|；失败的步骤数：{failed}]。',
  },

  // Of runs.
  group_next: {
    params: ['group?'],
    en: 'Waits for its turn[ in the group {group}].',
    'zh-CN': '等待轮到它[（并发组 {group}）]。',
  },
  group_waits: {
    params: ['pipeline', 'number', 'queued?', 'group?'],
    en: 'Waits for run #{number} of {pipeline}[{queued?}, which waits as well][ (group {group})].',
    'zh-CN': '等待 {pipeline} 的运行 #{number}[{queued?}（它也在等待）][（并发组 {group}）]。',
  },
  group_circle: {
    params: ['pipeline', 'number', 'group?'],
    en: 'It would wait for run #{number} of {pipeline}, which waits for it[: both are in the group {group}].',
    'zh-CN': '它会等待 {pipeline} 的运行 #{number}，而后者正在等待它[：两者同在并发组 {group}]。',
  },
  superseded: {
    params: ['pipeline', 'number', 'group?'],
    en: 'Run #{number} of {pipeline} takes its place[ in the group {group}].',
    'zh-CN': '{pipeline} 的运行 #{number} 取代了它[（并发组 {group}）]。',
  },
  run_timeout: {
    params: ['after', 'waiting?'],
    en: '[{waiting?}The run was still waiting for an agent when its timeout of {after} had passed.|The run took longer than its timeout of {after}.]',
    'zh-CN': '[{waiting?}{after}的超时时间已到，运行仍在等待代理。|运行超过了 {after}的超时时间。]',
  },
  failed_steps: {
    params: ['count'],
    en: '[{count=1}A step|{count} steps] failed.',
    'zh-CN': '失败的步骤：{count}。',
  },
  run_output: {
    params: ['output', 'problem'],
    en: 'Its steps have succeeded, but its output {output} cannot be told: {problem}',
    'zh-CN': '各步骤均已成功，但无法得出输出 {output}：{problem}',
  },
  lost_steps: {
    params: ['count'],
    en: '[{count=1}A step was|{count} steps were] lost.',
    'zh-CN': '失联的步骤：{count}。',
  },
} as const satisfies Record<string, Entry>

export type ReasonCode = keyof typeof reasonTable

type Names<C extends ReasonCode> = (typeof reasonTable)[C]['params'][number]

/** What a reason of this code must and may say. */
export type ReasonParams<C extends ReasonCode> = {
  [N in Names<C> as N extends `${string}?` ? never : N]: string
} & { [N in Names<C> as N extends `${infer Name}?` ? Name : never]?: string }
