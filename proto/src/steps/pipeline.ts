// The step type `pipeline`: a run of another pipeline. The step waits for its end, which is the step's own, or only starts it.
import { childOutputs } from '../child-run.ts'
import { hasExpression } from '../expression.ts'
import { isName, limits, patterns } from '../limits.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { type StepType, text } from './step-type.ts'

export const pipeline: StepType = {
  id: 'pipeline',
  category: 'control',
  icon: 'workflow',
  title: { en: 'Pipeline', 'zh-CN': '流水线' },
  description: {
    en: 'Runs another pipeline: its latest version. Ends as that run ends. Takes no agent itself.',
    'zh-CN': '运行另一条流水线的最新版本，并以该次运行的结果结束。自身不占用代理。',
  },
  aliases: ['trigger', 'child', 'downstream', 'call', 'bridge', 'subpipeline', '触发', '子流水线', '下游'],
  params: {
    type: 'object',
    properties: {
      pipeline: {
        type: 'string',
        minLength: 1,
        maxLength: 200,
        examples: ['deploy'],
        'x-widget': 'text',
        'x-order': 1,
        'x-text': {
          title: { en: 'Pipeline', 'zh-CN': '流水线' },
          help: {
            en: 'Its name, or project/name for one of another project of the organization. Whoever publishes this pipeline has to be allowed to start it.',
            'zh-CN': '流水线的名称；同一组织中其他项目的流水线写作 项目/名称。发布本流水线的人须有权启动它。',
          },
        },
      },
      inputs: {
        type: 'object',
        propertyNames: { pattern: patterns.identifier.source },
        additionalProperties: { type: 'string', maxLength: limits.envValueBytes },
        maxProperties: limits.inputs,
        examples: ['version: "${{ inputs.version }}"'],
        'x-order': 2,
        'x-text': {
          title: { en: 'Inputs', 'zh-CN': '参数' },
          help: {
            en: 'Of its run, by name. Those that are not named get their defaults.',
            'zh-CN': '传给该次运行的参数，按名称填写。未列出的使用默认值。',
          },
        },
      },
      wait: {
        type: 'boolean',
        default: true,
        'x-order': 3,
        'x-text': {
          title: { en: 'Wait for its end', 'zh-CN': '等待其结束' },
          help: {
            en: 'The step ends as the run ends, with its outputs; canceling one cancels the other. Off: the step ends once the run has begun.',
            'zh-CN': '步骤随该次运行结束，并取得其输出；取消本次运行时也会取消它。关闭后，启动成功步骤即结束。',
          },
        },
      },
    },
    required: ['pipeline'],
    additionalProperties: false,
  },
  foreign: {
    name: 'pipeline',
    workflow: 'pipeline',
    job: 'pipeline',
    params: 'inputs',
    parameters: 'inputs',
    variables: 'inputs',
    with: 'inputs',
  },
  defaults: {},
  outputs: [...childOutputs],
  openOutputs: true,
  summary: (params) => text(params, 'pipeline'),
  check(params) {
    const name = text(params, 'pipeline')
    const right = name === '' || hasExpression(name) || isName(name.slice(name.indexOf('/') + 1))
    return right ? [] : [{ field: 'pipeline', said: say('child_name', { value: shortText(name) }) }]
  },
  by: 'run',
  compile(params) {
    const { inputs = {}, wait = true } = params as { inputs?: Record<string, string>; wait?: boolean }
    return { by: 'run', ask: { pipeline: text(params, 'pipeline'), inputs, wait } }
  },
}
