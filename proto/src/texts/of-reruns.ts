// Why some steps of a run cannot be run again by themselves: something of the others cannot be reused. Each says what can be done.
import type { Entry } from './template.ts'

export const ofReruns = {
  rerun_none_failed: {
    params: [],
    en: 'No step of the run has failed, was canceled or lost. Run all again, or from a step.',
    'zh-CN': '该运行没有失败、取消或失联的步骤。请全部重跑，或从某个步骤重跑。',
  },
  rerun_no_step: {
    params: ['step'],
    en: 'The run has no step {step}.',
    'zh-CN': '该运行没有步骤 {step}。',
  },
  rerun_steps: {
    params: [],
    en: 'Name the step to run again, one where only that is to run.',
    'zh-CN': '请指明要重跑的步骤；只运行此步骤时只能有一个。',
  },
  rerun_no_steps: {
    params: [],
    en: 'All steps run again: name none, or say that the run is to begin from some.',
    'zh-CN': '全部重跑时不指明步骤；若要从某些步骤重跑，请选相应方式。',
  },
  rerun_open: {
    params: ['step'],
    en: 'Step {step} has not ended in that run, so there is nothing of it to reuse. Wait for its end, or run from it.',
    'zh-CN': '步骤 {step} 在该运行中尚未结束，没有可沿用的结果。请等它结束，或从它重跑。',
  },
  rerun_need: {
    params: ['step', 'need'],
    en: 'Step {step} was left out for how {need} ended, and would be again, because that is reused. Run from {need}.',
    'zh-CN': '步骤 {step} 因 {need} 的结果而被跳过；沿用该结果会再次跳过。请从 {need} 重跑。',
  },
  rerun_input: {
    params: ['step', 'inputs'],
    en: 'Step {step} has read {inputs}, which is to change, so what it has made cannot be reused. Run from it.',
    'zh-CN': '步骤 {step} 读取了要修改的 {inputs}，其结果不能沿用。请从它重跑。',
  },
  rerun_not_approved: {
    params: ['step'],
    en: 'Step {step} was not approved in that run, so it is asked again. Run from it.',
    'zh-CN': '步骤 {step} 在该运行中未获批准，须重新征求。请从它重跑。',
  },
  rerun_own_approval: {
    params: ['step'],
    en: 'You have approved {step} in that run yourself, and who runs again may not decide. Run from it, so that others are asked.',
    'zh-CN': '该运行中 {step} 是由你批准的，而重跑者不得自行批准。请从它重跑，由他人批准。',
  },
  rerun_approved_inputs: {
    params: ['step'],
    en: 'What was approved by {step} were other inputs, so it is asked again. Run from it.',
    'zh-CN': '{step} 批准的是其他参数，须重新征求。请从它重跑。',
  },
  rerun_workspace_open: {
    params: ['workspace'],
    en: 'That run has not ended: it still works in the workspace {workspace}. Wait for its end, or cancel it.',
    'zh-CN': '该运行尚未结束，仍在使用工作区 {workspace}。请等它结束，或取消它。',
  },
  rerun_workspace_used: {
    params: ['workspace', 'number?'],
    en: '[Run #{number}|Another run] works in the workspace {workspace} of that run now. Wait for its end.',
    'zh-CN': '[运行 #{number}|另一个运行]正在使用该运行的工作区 {workspace}。请等它结束。',
  },
  rerun_workspace_agent: {
    params: ['workspace', 'agent', 'step'],
    en: 'The workspace {workspace} was on agent {agent}, which is no more. Run from {step}, which has filled it.',
    'zh-CN': '工作区 {workspace} 在代理 {agent} 上，而该代理已不存在。请从填充它的 {step} 重跑。',
  },
  rerun_workspace_kept: {
    params: ['workspace', 'agent', 'hours', 'step'],
    en: 'The workspace {workspace} has not been used for longer than the {hours} hours for which agent {agent} keeps it. Run from {step}, which has filled it.',
    'zh-CN': '工作区 {workspace} 未使用的时间已超过代理 {agent} 的保留时间 {hours} 小时。请从填充它的 {step} 重跑。',
  },
  rerun_workspace_old: {
    params: ['workspace', 'agent', 'step'],
    en: 'Agent {agent}, which has the workspace {workspace}, is too old to use it further. Update it, or run from {step}.',
    'zh-CN': '持有工作区 {workspace} 的代理 {agent} 版本太旧，无法继续使用它。请升级代理，或从 {step} 重跑。',
  },
  rerun_workspace_apart: {
    params: ['workspace', 'step'],
    en: 'The steps that have filled the workspace {workspace} did so in different places. Run from {step}.',
    'zh-CN': '填充工作区 {workspace} 的步骤位于不同的位置。请从 {step} 重跑。',
  },
} as const satisfies Record<string, Entry>
