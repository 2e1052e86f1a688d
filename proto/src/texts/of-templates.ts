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
  many_includes: {
    params: ['most'],
    en: 'A file includes at most {most} others.',
    'zh-CN': '一个文件最多引用 {most} 处。',
  },
  include_what: {
    params: [],
    en: 'Say what is included: `{ file: .ansflow/templates/build.yaml }`, or `{ pipeline: shared-steps, version: 4 }`.',
    'zh-CN': '请写明引用什么：`{ file: .ansflow/templates/build.yaml }`，或 `{ pipeline: shared-steps, version: 4 }`。',
  },
  include_path: {
    params: ['wanted'],
    en: '{wanted} is no path in a repository: it begins at the top of the repository, without / before it and without "..", such as .ansflow/templates/build.yaml.',
    'zh-CN': '{wanted} 不是仓库中的路径：请从仓库顶层写起，开头没有 /，不含“..”，例如 .ansflow/templates/build.yaml。',
  },
  include_file_version: {
    params: [],
    en: 'A file is taken at the commit of this one: take `version` out.',
    'zh-CN': '文件按本文件所在的提交读取：请去掉 `version`。',
  },
  include_version: {
    params: ['pipeline', 'latest?'],
    en: 'Say which version of {pipeline} is meant[: `version: {latest}` is the latest], so that nothing changes here when that one does.',
    'zh-CN': '请写明使用 {pipeline} 的哪个版本[（最新为 `version: {latest}`）]，这样它变化时此处不变。',
  },
  include_twice: {
    params: ['source'],
    en: '{source} is included twice. Take one of them out.',
    'zh-CN': '重复引用了 {source}。请去掉其中一处。',
  },
  include_clash: {
    params: ['name', 'included', 'other?'],
    en: 'The template {name} of {included} has the name of one [of {other}|of this file]. Give one of them another name.',
    'zh-CN': '{included} 的模板 {name} 与[ {other} |本文件]中的模板同名。请为其中之一改名。',
  },
  include_inside: {
    params: ['included', 'part', 'problem'],
    en: 'In {included}, at {part}: {problem}',
    'zh-CN': '在 {included} 的 {part} 处：{problem}',
  },
  include_file: {
    params: ['included', 'row', 'problem'],
    en: 'In {included}, line {row}: {problem}',
    'zh-CN': '在 {included} 第 {row} 行：{problem}',
  },
  include_steps: {
    params: [],
    en: 'An included file holds `templates` and `include` alone; this one has steps, so it is a pipeline. Move its templates into a file of their own, or include a published version of the pipeline.',
    'zh-CN':
      '被引用的文件只能包含 `templates` 和 `include`；此文件有步骤，是一条流水线。请把其模板移到单独的文件，或引用该流水线已发布的版本。',
  },
  include_nothing: {
    params: ['included'],
    en: '{included} has no templates.',
    'zh-CN': '{included} 没有模板。',
  },
  include_missing: {
    params: ['wanted', 'near?'],
    en: 'The repository has no file {wanted} at this commit.[ Did you mean "{near}"?]',
    'zh-CN': '仓库在此提交中没有文件 {wanted}。[是否想写“{near}”？]',
  },
  include_unread: {
    params: ['wanted', 'detail'],
    en: '{wanted} cannot be read ({detail}).',
    'zh-CN': '无法读取 {wanted}（{detail}）。',
  },
  include_kept: {
    params: ['wanted'],
    en: 'The pipeline is kept in AnsFlow and in no repository, so there is no file {wanted} beside it. Include a published version: `{ pipeline, version }`.',
    'zh-CN':
      '此流水线保存在 AnsFlow 中，不在任何仓库里，因此旁边没有文件 {wanted}。请引用已发布的版本：`{ pipeline, version }`。',
  },
  include_pipeline: {
    params: ['name', 'near?'],
    en: 'There is no pipeline {name}.[ Did you mean "{near}"?]',
    'zh-CN': '没有流水线 {name}。[是否想写“{near}”？]',
  },
  include_unpublished: {
    params: ['name'],
    en: 'The pipeline {name} has no version yet. Publish it first.',
    'zh-CN': '流水线 {name} 还没有版本。请先发布它。',
  },
  include_no_version: {
    params: ['name', 'version', 'latest'],
    en: 'The pipeline {name} has no version {version}; the latest is {latest}.',
    'zh-CN': '流水线 {name} 没有版本 {version}；最新版本为 {latest}。',
  },
  include_newer: {
    params: ['name', 'version', 'latest'],
    en: '{name} has a newer version than the {version} that is included: {latest}.',
    'zh-CN': '{name} 有比所引用的 {version} 更新的版本：{latest}。',
  },
  include_cycle: {
    params: ['path'],
    en: 'Files include each other in a circle: {path}. Take one of these includes out.',
    'zh-CN': '文件循环引用：{path}。请去掉其中一处引用。',
  },
  include_deep: {
    params: ['path', 'most'],
    en: 'Files include each other more than {most} deep: {path}.',
    'zh-CN': '文件引用嵌套超过 {most} 层：{path}。',
  },
  include_much: {
    params: ['most'],
    en: 'The pipeline includes more than {most} files and versions, counted by all ways.',
    'zh-CN': '流水线引用的文件和版本（含间接引用）超过 {most} 个。',
  },
  include_many: {
    params: ['most'],
    en: 'What the pipeline includes has more than {most} templates.',
    'zh-CN': '流水线引用的模板超过 {most} 个。',
  },
  include_size: {
    params: ['most'],
    en: 'What the pipeline includes has more than {most} KiB.',
    'zh-CN': '流水线引用的内容超过 {most} KiB。',
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
