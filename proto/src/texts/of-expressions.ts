// What is wrong with expressions: how they are written, what they read, and how they end when a step runs.
import { got, gotParams, gotZh, hint, hintParams, hintZh } from './parts.ts'
import type { Entry } from './template.ts'

export const ofExpressions = {
  in_expression: {
    params: ['problem', 'source'],
    en: '{problem} In `{source}`.',
    'zh-CN': '{problem}（位于 `{source}`）',
  },
  expression_empty: { params: [], en: 'The expression is empty.', 'zh-CN': '表达式为空。' },
  expression_long: {
    params: ['most'],
    en: 'The expression is longer than {most} characters.',
    'zh-CN': '表达式超过 {most} 个字符。',
  },
  expression_deep: { params: [], en: 'The expression is nested too deeply.', 'zh-CN': '表达式嵌套过深。' },
  expression_matches: {
    params: [],
    en: 'matches() is not available in this version. Use startsWith(), endsWith(), contains() or ==.',
    'zh-CN': '此版本没有 matches()。请用 startsWith()、endsWith()、contains() 或 ==。',
  },
  expression_function: {
    params: ['name', ...hintParams],
    en: `There is no function {name}().${hint}`,
    'zh-CN': `没有函数 {name}()。${hintZh}`,
  },
  expression_root: {
    params: ['name', ...hintParams],
    en: `There is no "{name}" in expressions.${hint} Text needs quotes: '{name}'.`,
    'zh-CN': `表达式中没有“{name}”。${hintZh}文本须加引号：'{name}'。`,
  },
  expression_root_later: {
    params: ['name'],
    en: 'There is no "{name}" in expressions of this version.[{name=secrets} Give the step a list `secrets` with the NAME and read $NAME in its script.|{name=vars} Read env or inputs instead.|{name=github} Read git (branch, tag, commit …) and run (trigger, number, startedBy …) instead.|{name=runner} What the agent is a script finds out, for example with uname; runsOn says which agents may run the step.|{name=job} Read steps.<id>.status, or use success(), failure() and canceled() in when.]',
    'zh-CN':
      '此版本的表达式中没有“{name}”。[{name=secrets}请把名称写进步骤的 secrets，并在脚本中读取 $NAME。|{name=vars}请改用 env 或 inputs。|{name=github}请改用 git（branch、tag、commit 等）与 run（trigger、number、startedBy 等）。|{name=runner}代理的情况由脚本自行查询，例如用 uname；可由哪些代理运行写在 runsOn 中。|{name=job}请读取 steps.<id>.status，或在 when 中使用 success()、failure() 与 canceled()。]',
  },
  expression_foreign: {
    params: ['name', 'here'],
    en: 'Expressions here have no {name}: write {here}.',
    'zh-CN': '此处的表达式没有 {name}：请写 {here}。',
  },
  expression_event: {
    params: ['name'],
    en: 'Expressions here have no {name}. What came with a webhook is handed on as inputs: under on, webhook, inputs, where body is what was posted.',
    'zh-CN':
      '此处的表达式没有 {name}。随 Webhook 到来的内容须作为参数传入：写在 on 的 webhook 的 inputs 中，在那里 body 是收到的内容。',
  },
  expression_chooses: {
    params: [],
    en: '&& and || are for true and false only. To choose between values write condition ? value : other, in a text that stands in quotes or below `|`.',
    'zh-CN': '&& 与 || 只用于 true 与 false。要在值之间选择，请写 条件 ? 值 : 另一值，并给文本加引号或写在 `|` 之下。',
  },
  condition_word: {
    params: ['name'],
    en: '{name} is no condition.[{name=manual} To let people decide, put a step with uses: approval before it.|{name=never} To switch a step off, write disabled: true.|{name=delayed} To wait, put a step with uses: wait before it.]',
    'zh-CN':
      '{name} 不是条件。[{name=manual}要由人决定，请在其前放一个 uses: approval 的步骤。|{name=never}要停用步骤，请写 disabled: true。|{name=delayed}要等待，请在其前放一个 uses: wait 的步骤。]',
  },
  condition_form: {
    params: ['key', ...gotParams],
    en: `{key} must be one condition, not ${got}. Write it as text, for example: git.branch == 'main' && success(); an event as run.trigger == 'push', files as changed("src/**").`,
    'zh-CN': `{key} 须为一个条件，而不是${gotZh}。请写成文本，例如：git.branch == 'main' && success()；事件写 run.trigger == 'push'，文件写 changed("src/**")。`,
  },
  expression_type: { params: ['name'], en: 'There is no type {name}.', 'zh-CN': '没有类型 {name}。' },
  expression_hyphen: {
    params: ['written', 'write'],
    en: 'In {written} the hyphen is read as minus. Write {write}.',
    'zh-CN': '{written} 中的连字符会被当作减号。请写成 {write}。',
  },
  expression_ends: {
    params: ['column'],
    en: 'The expression ends too early, at character {column}.',
    'zh-CN': '表达式在第 {column} 个字符处过早结束。',
  },
  expression_mistake: {
    params: ['column', 'found'],
    en: 'The expression has a mistake at character {column}, near {found}.',
    'zh-CN': '表达式在第 {column} 个字符处有误，位于 {found} 附近。',
  },
  expression_unusable: {
    params: ['detail'],
    en: 'The expression cannot be used: {detail}.',
    'zh-CN': '无法使用该表达式：{detail}。',
  },
  expression_open: {
    params: ['column'],
    en: 'The ${{ at character {column} is never closed with }}. Write $${{ for a literal ${{.',
    'zh-CN': '第 {column} 个字符处的 ${{ 没有以 }} 结束。要写字面的 ${{，请写 $${{。',
  },
  expression_status: {
    params: [],
    en: 'success(), failure(), always() and canceled() are for `when` and the `if` of a need only.',
    'zh-CN': 'success()、failure()、always() 与 canceled() 只能用于 `when` 与依赖的 `if`。',
  },
  condition_empty: {
    params: ['key'],
    en: '{key} is empty. Write a condition such as inputs.deploy == true, or remove it.',
    'zh-CN': '{key} 为空。请写一个条件，例如 inputs.deploy == true，或将其删除。',
  },
  condition_one: {
    params: ['key'],
    en: '{key} is one expression: write it without ${{ }}, or with one ${{ }} around all of it.',
    'zh-CN': '{key} 是一个表达式：不要写 ${{ }}，或只用一个 ${{ }} 包住全部。',
  },
  git_empty: {
    params: ['name', 'key?', 'checkout?'],
    en: '{name} is empty here unless whoever starts the run says what it is for: [{key} does not wait for {checkout}, which fetches the code|no step fetches code].',
    'zh-CN':
      '此处 {name} 为空，除非启动运行的一方说明它针对什么：[{key} 没有等待拉取代码的 {checkout}|没有步骤拉取代码]。',
  },
  single_value: {
    params: ['name', 'full'],
    en: '{name} is a single value; there is no {full}.',
    'zh-CN': '{name} 是单个值，没有 {full}。',
  },
  unknown_input: {
    params: ['name', 'of?', ...hintParams],
    en: `The [{of=field}approval has no field|pipeline has no input] {name}.${hint}`,
    'zh-CN': `[{of=field}审批没有字段|流水线没有参数] {name}。${hintZh}`,
  },
  unknown_variable: {
    params: ['name', ...hintParams],
    en: `No variable "{name}" is set in env here.${hint} A script reads the agent's own variables as \${name}.`,
    'zh-CN': `此处的 env 没有设置变量“{name}”。${hintZh}代理自身的变量在脚本中用 \${name} 读取。`,
  },
  unknown_part: {
    params: ['root', 'name', ...hintParams],
    en: `{root} has no {name}.${hint}`,
    'zh-CN': `{root} 没有 {name}。${hintZh}`,
  },
  step_computed: {
    params: ['example'],
    en: 'Name the step literally, as in steps.build or {example}: what an expression reads must be known before the run.',
    'zh-CN': '请写明步骤，例如 steps.build 或 {example}：表达式读取的内容须在运行前确定。',
  },
  step_unnamed: {
    params: [],
    en: 'Read one step at a time, as in steps.build.status or steps.build.outputs.name.',
    'zh-CN': '一次读取一个步骤，例如 steps.build.status 或 steps.build.outputs.name。',
  },
  trigger_root_only: {
    params: ['name'],
    en: '{name} is for `on` alone: hand it on as an input.',
    'zh-CN': '{name} 只能用于 `on`：请作为参数传入。',
  },
  trigger_root: {
    params: ['name', 'options'],
    en: '{name} is not known when a run starts by itself. There are: {options}.',
    'zh-CN': '自动启动运行时还没有 {name}。可用：{options}。',
  },
  trigger_header: {
    params: ['name'],
    en: 'The header {name} is not named in headers.',
    'zh-CN': '请求头 {name} 没有列在 headers 中。',
  },
  env_before_steps: {
    params: [],
    en: 'The pipeline’s env is set before any step runs, so it cannot read steps.',
    'zh-CN': '流水线的 env 在所有步骤之前设置，因此不能读取步骤。',
  },
  group_early: {
    params: ['root'],
    en: 'The group is known before anything of the run begins: it cannot read {root}, only inputs, git and run.',
    'zh-CN': '并发组在运行的任何部分开始之前就已确定：不能读取 {root}，只能读取 inputs、git 和 run。',
  },
  unknown_step: {
    params: ['name', 'hyphen?', 'near?'],
    en: 'There is no step {name}.[ For an id with a hyphen write {hyphen}.| Did you mean {near}?]',
    'zh-CN': '没有步骤 {name}。[带连字符的键请写成 {hyphen}。|是否想写 {near}？]',
  },
  reads_itself: {
    params: ['key'],
    en: '{key} cannot read itself: it has not run yet.',
    'zh-CN': '{key} 不能读取自身：它尚未运行。',
  },
  status_word: {
    params: ['name', 'full'],
    en: '{name} is a word; there is no {full}.',
    'zh-CN': '{name} 是一个词，没有 {full}。',
  },
  step_part: {
    params: ['name', ...hintParams],
    en: `A step has outputs and status, not {name}.${hint}`,
    'zh-CN': `步骤有 outputs 与 status，没有 {name}。${hintZh}`,
  },
  unknown_output: {
    params: ['key', 'name', ...hintParams],
    en: `{key} declares no output {name}.${hint} Add it to the step's outputs.`,
    'zh-CN': `{key} 没有声明输出 {name}。${hintZh}请把它加入该步骤的输出。`,
  },
  output_text: { params: ['full'], en: 'Outputs are text; there is no {full}.', 'zh-CN': '输出是文本，没有 {full}。' },
  not_upstream: {
    params: ['key', 'reads'],
    en: '{key} reads {reads}, which may not have run by then. Add {reads} to its needs.',
    'zh-CN': '{key} 读取 {reads}，而后者届时可能尚未运行。请将 {reads} 加入其依赖。',
  },

  // When a step runs.
  evaluate_compile: { params: ['source', 'problem'], en: '{source}: {problem}', 'zh-CN': '{source}：{problem}' },
  evaluate_missing: {
    params: ['source', 'place'],
    en: '{source} cannot be evaluated: {place} has no value.',
    'zh-CN': '无法计算 {source}：{place} 没有值。',
  },
  evaluate_output: {
    params: ['source', 'key', 'name'],
    en: '{source} cannot be evaluated: steps.{key}.outputs.{name} has no value, because {key} has not set it. A script sets it with a line {name}=value in the file "$ANSFLOW_OUTPUT".',
    'zh-CN':
      '无法计算 {source}：steps.{key}.outputs.{name} 没有值，因为 {key} 没有设置它。脚本通过在文件 "$ANSFLOW_OUTPUT" 中写一行 {name}=值 来设置。',
  },
  evaluate_overload: {
    params: ['source', 'operator', 'types'],
    en: '{source} cannot be evaluated: {operator} does not work on {types}; convert one side, for example with string(…).',
    'zh-CN': '无法计算 {source}：{operator} 不适用于 {types}；请转换其中一侧，例如用 string(…)。',
  },
  evaluate_error: {
    params: ['source', 'detail'],
    en: '{source} cannot be evaluated: {detail}.',
    'zh-CN': '无法计算 {source}：{detail}。',
  },
  condition_type: {
    params: ['source', 'value'],
    en: 'The condition {source} must be true or false, but it is {value}.',
    'zh-CN': '条件 {source} 须为 true 或 false，而它是 {value}。',
  },
  value_large: { params: ['source'], en: 'The value of {source} is too large.', 'zh-CN': '{source} 的值过大。' },
  value_kind: {
    params: ['source'],
    en: 'The value of {source} is neither text, number, true/false, list nor map. Use string(…).',
    'zh-CN': '{source} 的值不是文本、数字、true/false、列表或映射。请用 string(…)。',
  },
  text_large: {
    params: [],
    en: 'The text with its values is longer than 1 MiB.',
    'zh-CN': '代入值后的文本超过 1 MiB。',
  },
  script_large: {
    params: [],
    en: 'The script with its values is longer than 1 MiB.',
    'zh-CN': '代入值后的脚本超过 1 MiB。',
  },
  script_value_large: {
    params: ['source'],
    en: 'The value of {source} is longer than 100 KiB: hand it over in a file.',
    'zh-CN': '{source} 的值超过 100 KiB：请用文件传递。',
  },
  cannot_quote: {
    params: ['source', 'where'],
    en: 'The value of {source} holds signs of the shell and stands in [{where=arithmetic}arithmetic|{where=heredoc}a here-document in quotes|{where=language}a script of another language|single quotes], where no variable can be put. Set it in env, and read that variable.',
    'zh-CN':
      '{source} 的值含有 shell 的符号，且位于[{where=arithmetic}算术表达式|{where=heredoc}带引号的 here-document |{where=language}其他语言的脚本|单引号]中，那里不能放变量。请在 env 中设置它，并读取该变量。',
  },
} as const satisfies Record<string, Entry>
