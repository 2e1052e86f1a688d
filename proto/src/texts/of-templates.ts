// What is wrong with templates, and with steps that use them.
import { hint, hintParams, hintZh, word, wordParams, wordZh } from './parts.ts'
import type { Entry } from './template.ts'

export const ofTemplates = {
  many_templates: {
    params: ['count', 'most'],
    en: 'The pipeline has {count} templates; {most} are possible.',
    'zh-CN': '流水线有 {count} 个模板；最多 {most} 个。',
  },
  template_name: {
    params: [...wordParams],
    en: `${word} is no name for a template: use small letters, digits, - and _, beginning with a letter or digit, at most 64.`,
    'zh-CN': `${wordZh} 不能作模板的名称：只能用小写字母、数字、- 和 _，以字母或数字开头，最多 64 个字符。`,
  },
  template_empty: {
    params: ['name'],
    en: 'The template {name} has no steps. Add at least one.',
    'zh-CN': '模板 {name} 还没有步骤，请至少添加一个。',
  },
  template_unused: {
    params: ['name'],
    en: 'No step uses the template {name}. Use it (`uses: template`), or remove it.',
    'zh-CN': '没有步骤使用模板 {name}。请使用它（`uses: template`），或将其删除。',
  },
  template_unknown: {
    params: ['name', ...hintParams],
    en: `This file has no template {name}.${hint}`,
    'zh-CN': `本文件没有模板 {name}。${hintZh}`,
  },
  template_computed: {
    params: [],
    en: 'Which template is meant must be known before a run: write its name.',
    'zh-CN': '使用哪个模板须在运行前确定：请写出其名称。',
  },
  template_param: {
    params: ['template', 'name', ...hintParams],
    en: `The template {template} has no parameter {name}.${hint}`,
    'zh-CN': `模板 {template} 没有参数 {name}。${hintZh}`,
  },
  template_missing: {
    params: ['template', 'name'],
    en: 'The template {template} wants the parameter {name}: give it under `params`.',
    'zh-CN': '模板 {template} 需要参数 {name}：请在 `params` 下给出。',
  },
  template_value: {
    params: ['name', 'problem'],
    en: 'The parameter {name} does not fit. {problem}',
    'zh-CN': '参数 {name} 不符。{problem}',
  },
  template_field: {
    params: ['key'],
    en: 'A step that uses a template cannot say {key}. Say it in the steps of the template.',
    'zh-CN': '使用模板的步骤不能写 {key}。请写在模板的步骤中。',
  },
  template_failure: {
    params: ['need'],
    en: '{need} stands for several steps, so nothing can need its failure. Need it as usual, and say `when: failure()`.',
    'zh-CN': '{need} 代表多个步骤，无法依赖其失败。请照常依赖它，并写 `when: failure()`。',
  },
  template_part: {
    params: ['key'],
    en: '{key} stands for several steps: of it only outputs of its template can be read, by name.',
    'zh-CN': '{key} 代表多个步骤：只能按名称读取其模板的输出。',
  },
  template_when: {
    params: ['key'],
    en: 'This condition asks how the needs ended, but the step {key} of the template runs whatever became of those before it. Say `when` without success(), failure(), always() and canceled() here, or let {key} need its steps as usual.',
    'zh-CN':
      '此条件询问依赖的结果，而模板的步骤 {key} 无论之前的步骤结果如何都会运行。请在此处的 `when` 中不用 success()、failure()、always() 和 canceled()，或让 {key} 照常依赖其步骤。',
  },
  template_own_env: {
    params: ['name'],
    en: 'Parameters cannot read {name}, which this step itself sets in `env`: write its value.',
    'zh-CN': '参数不能读取本步骤在 `env` 中设置的 {name}：请直接写出其值。',
  },
  template_inner_env: {
    params: ['name', 'key'],
    en: 'In {key} the variable {name} is this one, but what {key} is given reads another one of that name. Give one of them another name.',
    'zh-CN': '在 {key} 中，变量 {name} 是此处的值，而传给 {key} 的内容读取的是同名的另一个变量。请为其中之一改名。',
  },
  template_cycle: {
    params: ['path'],
    en: 'Templates use each other in a circle: {path}. Take one of them out.',
    'zh-CN': '模板循环使用：{path}。请去掉其中一个。',
  },
  template_deep: {
    params: ['path', 'most'],
    en: 'Templates stand in each other more than {most} deep: {path}.',
    'zh-CN': '模板嵌套超过 {most} 层：{path}。',
  },
  template_steps: {
    params: ['count', 'most', 'key'],
    en: 'With what its templates stand for the pipeline has {count} steps; {most} are possible. Most of them come from {key}.',
    'zh-CN': '模板展开后流水线有 {count} 个步骤；最多 {most} 个。其中大多来自 {key}。',
  },
  template_needs: {
    params: ['most', 'key'],
    en: 'With what its templates stand for, the steps of the pipeline need more than {most} others together; {key} is one of them. Put a step between that needs them all.',
    'zh-CN': '模板展开后各步骤的依赖总数超过 {most}，{key} 是其中之一。请在中间放一个依赖它们全部的步骤。',
  },
  template_size: {
    params: ['most', 'key'],
    en: 'With what its templates stand for the pipeline has more than {most} million characters, counted up to the step {key}. Give long texts by a file or a variable.',
    'zh-CN': '模板展开后，到步骤 {key} 为止流水线已超过 {most} 百万个字符。请用文件或变量传递长文本。',
  },
  template_key: {
    params: ['key', 'most'],
    en: 'The step {key} has more than {most} characters in its key. Give this step, or the one in the template, a shorter one.',
    'zh-CN': '步骤 {key} 的键超过 {most} 个字符。请缩短本步骤或模板中步骤的键。',
  },
  params_plain: {
    params: [],
    en: 'Parameters are read by their names, such as `params.dir`.',
    'zh-CN': '参数须按名称读取，例如 `params.dir`。',
  },
  unknown_param: {
    params: ['name', ...hintParams],
    en: `The template has no parameter {name}.${hint}`,
    'zh-CN': `模板没有参数 {name}。${hintZh}`,
  },
} as const satisfies Record<string, Entry>
