// The step type `template`: stands for the steps of a template of the same file. A run has those steps and not this one.
import { limits, patterns } from '../limits.ts'
import { type StepType, text } from './step-type.ts'

export const template: StepType = {
  id: 'template',
  category: 'control',
  icon: 'boxes',
  title: { en: 'Template', 'zh-CN': '模板' },
  description: {
    en: 'Stands for the steps of a template, of this file or included, with parameters.',
    'zh-CN': '代表某个模板（本文件的或引用的）的步骤，并给出参数。',
  },
  aliases: ['extends', 'include', 'reuse', 'group', 'composite', '复用', '步骤组'],
  params: {
    type: 'object',
    properties: {
      template: {
        type: 'string',
        minLength: 1,
        maxLength: 64,
        examples: ['build-and-test'],
        'x-widget': 'text',
        'x-order': 1,
        'x-text': {
          title: { en: 'Template', 'zh-CN': '模板' },
          help: {
            en: 'One of those under `templates` of this file, or of what it includes.',
            'zh-CN': '本文件 `templates` 下的模板，或其引用的模板之一。',
          },
        },
      },
      params: {
        type: 'object',
        propertyNames: { pattern: patterns.identifier.source },
        additionalProperties: { type: 'string', maxLength: limits.envValueBytes },
        maxProperties: limits.inputs,
        examples: ['dir: web'],
        'x-order': 2,
        'x-text': {
          title: { en: 'Parameters', 'zh-CN': '参数' },
          help: {
            en: 'Of the template, by name. Those that are not named get their defaults.',
            'zh-CN': '传给模板的参数，按名称填写。未列出的使用默认值。',
          },
        },
      },
    },
    required: ['template'],
    additionalProperties: false,
  },
  defaults: {},
  outputs: [],
  summary: (params) => text(params, 'template'),
  by: 'steps',
  compile(params) {
    throw new Error(`the template ${text(params, 'template')} was not written out`)
  },
}
