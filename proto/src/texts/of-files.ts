// What is wrong with the text of a pipeline file: what YAML or its reader cannot take.
import { got, gotParams, gotZh, hint, hintParams, hintZh } from './parts.ts'
import type { Entry } from './template.ts'

const noun =
  '[{noun=step}a step|{noun=pipeline}a pipeline|{noun=input}an input|{noun=need}a need|{noun=schedule}a schedule|{noun=template}a template|{noun=include}an include|{noun=templateFile}a file of templates|{noun=push}a push|{noun=pullRequest}a pullRequest|{noun=comment}a comment|{noun=release}a release|{noun}]'
const nounFirst =
  '[{noun=step}A step|{noun=pipeline}A pipeline|{noun=input}An input|{noun=need}A need|{noun=schedule}A schedule|{noun=template}A template|{noun=include}An include|{noun=templateFile}A file of templates|{noun=push}A push|{noun=pullRequest}A pullRequest|{noun=comment}A comment|{noun=release}A release|{noun}]'
const nounZh =
  '[{noun=step}步骤|{noun=pipeline}流水线|{noun=input}参数|{noun=need}依赖|{noun=schedule}定时计划|{noun=template}模板|{noun=include}引用|{noun=templateFile}模板文件|{noun=push}push 触发|{noun=pullRequest}pullRequest 触发|{noun=comment}comment 触发|{noun=release}release 触发|{noun} ]'

export const ofFiles = {
  file_empty: {
    params: [],
    en: 'The file is empty. It needs a name and steps.',
    'zh-CN': '文件为空。它需要名称与步骤。',
  },
  file_type: {
    params: [...gotParams],
    en: `A pipeline file must be a map with name and steps, not ${got}.`,
    'zh-CN': `流水线文件须为含有 name 与 steps 的映射，而不是${gotZh}。`,
  },
  file_large: { params: ['most'], en: 'The file is larger than {most} KiB.', 'zh-CN': '文件超过 {most} KiB。' },
  file_tokens: {
    params: ['most'],
    en: 'The file holds more than {most} words and signs.',
    'zh-CN': '文件中的词与符号超过 {most} 个。',
  },
  file_deep: {
    params: ['most'],
    en: 'The file nests lists or maps more than {most} levels deep.',
    'zh-CN': '文件中的列表或映射嵌套超过 {most} 层。',
  },
  file_characters: {
    params: ['odd'],
    en: 'The file holds {odd}, which cannot be stored. Remove it.',
    'zh-CN': '文件含有{odd}，无法保存。请删除。',
  },
  file_documents: {
    params: [],
    en: 'The file holds more than one document. Remove the --- line and what follows it.',
    'zh-CN': '文件中不止一个文档。请删除 --- 行及其后的内容。',
  },
  yaml_tag: {
    params: ['tag', 'quoted'],
    en: 'YAML reads {tag} as a tag, which pipeline files do not have. If it belongs to the value, put the value in quotes: {quoted}.',
    'zh-CN': 'YAML 会把 {tag} 读作标签，而流水线文件没有标签。若它属于值，请给值加引号：{quoted}。',
  },
  yaml_version: {
    params: [],
    en: 'YAML 1.1 reads yes, no and 010 differently. Remove the %YAML line; files are YAML 1.2.',
    'zh-CN': 'YAML 1.1 对 yes、no 与 010 的读法不同。请删除 %YAML 行；文件为 YAML 1.2。',
  },
  yaml_directive: {
    params: [],
    en: 'Lines that begin with % are directives of YAML, which pipeline files do not have. Remove the line.',
    'zh-CN': '以 % 开头的行是 YAML 指令，流水线文件没有指令。请删除该行。',
  },
  yaml_braces: {
    params: ['signs', 'write'],
    en: 'Between {signs} a value with ${{ }} needs quotes: {write}.',
    'zh-CN': '在 {signs} 之间，含 ${{ }} 的值须加引号：{write}。',
  },
  yaml: {
    params: ['problem', 'odd?'],
    en: '{problem}[ The line holds {odd}.]',
    'zh-CN': '{problem}[该行含有{odd}。]',
  },
  yaml_tab: {
    params: [],
    en: 'YAML does not allow tabs for indentation. Use spaces.',
    'zh-CN': 'YAML 不允许用制表符缩进。请用空格。',
  },
  yaml_indent: { params: [], en: 'The indentation does not fit the lines above.', 'zh-CN': '缩进与上面的行不一致。' },
  yaml_nested: {
    params: [],
    en: 'This line cannot hold a nested map. Start it on a line of its own, or put the text in quotes.',
    'zh-CN': '这一行不能有嵌套的映射。请另起一行，或给文本加引号。',
  },
  yaml_colon: {
    params: [],
    en: 'YAML reads the colon with a blank behind it as the end of a key. Put the whole value in quotes, or on a line of its own, indented below `|`.',
    'zh-CN': 'YAML 会把后跟空格的冒号读作键的结尾。请给整个值加引号，或另起一行并缩进写在 `|` 之下。',
  },
  yaml_key: {
    params: [],
    en: 'A key must be on one line. Is a colon missing?',
    'zh-CN': '键须在一行内。是否缺少冒号？',
  },
  yaml_deep: { params: [], en: 'The file is nested too deeply.', 'zh-CN': '文件嵌套过深。' },
  yaml_start: {
    params: [],
    en: 'A text cannot begin with this character. Put it in quotes.',
    'zh-CN': '文本不能以此字符开头。请加引号。',
  },
  yaml_other: {
    params: ['detail'],
    en: 'This is not valid YAML: {detail}.',
    'zh-CN': '这不是有效的 YAML：{detail}。',
  },

  alias_much: {
    params: [],
    en: 'The aliases of this file expand to too much. Write values out.',
    'zh-CN': '文件中的别名展开后过大。请写出值。',
  },
  alias_nothing: {
    params: ['name'],
    en: 'The alias *{name} refers to nothing before it. Write the value out.',
    'zh-CN': '别名 *{name} 之前没有对应的内容。请写出值。',
  },
  want_map: {
    params: ['noun', ...gotParams],
    en: `${nounFirst} must be a map of keys and values, not ${got}.`,
    'zh-CN': `${nounZh}须为键与值的映射，而不是${gotZh}。`,
  },
  want_text: {
    params: ['key', ...gotParams],
    en: `{key} must be text, not ${got}.`,
    'zh-CN': `{key} 须为文本，而不是${gotZh}。`,
  },
  want_script: {
    params: ['key'],
    en: '{key} must be one text, not a list. Write the commands one below the other, each on a line of its own, indented below `{key}: |`.',
    'zh-CN': '{key} 须为一段文本，而不是列表。请把命令逐行写在 `{key}: |` 之下，每条一行并缩进。',
  },
  want_boolean: {
    params: ['key', ...gotParams, 'quotes?'],
    en: `{key} must be true or false, not ${got}.[{quotes?} Write it without quotes; yes, no, on and off are text.]`,
    'zh-CN': `{key} 须为 true 或 false，而不是${gotZh}。[{quotes?}请不加引号；yes、no、on 与 off 是文本。]`,
  },
  want_number: {
    params: ['key', ...gotParams],
    en: `{key} must be a number, not ${got}.`,
    'zh-CN': `{key} 须为数字，而不是${gotZh}。`,
  },
  want_words: {
    params: ['key', ...gotParams],
    en: `{key} must be a word or a list of words, not ${got}.`,
    'zh-CN': `{key} 须为一个词或词的列表，而不是${gotZh}。`,
  },
  want_word: {
    params: ['key', ...gotParams],
    en: `{key} must hold words only, not ${got}.`,
    'zh-CN': `{key} 中只能有词，而不是${gotZh}。`,
  },
  want_json: {
    params: ['key', 'value'],
    en: '{key} holds {value}, which is no value JSON knows. Put it in quotes.',
    'zh-CN': '{key} 含有 {value}，JSON 没有这样的值。请加引号。',
  },
  want_choice: {
    params: ['key', 'options', ...gotParams, 'near?'],
    en: `{key} must be one of {options}, not ${got}.[ Did you mean "{near}"?]`,
    'zh-CN': `{key} 须为 {options} 之一，而不是${gotZh}。[是否想写“{near}”？]`,
  },
  want_count: {
    params: ['key', 'most'],
    en: '{key} must be a whole number from 0 to {most}.',
    'zh-CN': '{key} 须为 0 到 {most} 的整数。',
  },
  want_need: {
    params: ['form', ...gotParams],
    en: `A need must be the id of a step or {form}, not ${got}.`,
    'zh-CN': `依赖须为步骤的键或 {form}，而不是${gotZh}。`,
  },
  want_step: {
    params: ['name', 'run?', 'odd?'],
    en: 'The step {name} must be a map. [{run} holds {odd}; keys end with a plain colon and a space.|Did you mean `run: {run}`?|Give it `run:` or `uses:`.]',
    'zh-CN':
      '步骤 {name} 须为映射。[{run} 含有{odd}；键以普通的冒号与空格结束。|是否想写 `run: {run}`？|请写上 `run:` 或 `uses:`。]',
  },
  want_steps: {
    params: [],
    en: 'steps must be a map from id to step: write `build:` with the step below it instead of `- name: build`.',
    'zh-CN': 'steps 须为从键到步骤的映射：请写 `build:` 并把步骤放在其下，而不是 `- name: build`。',
  },
  key_word: { params: ['noun'], en: `A key of ${noun} must be one word.`, 'zh-CN': `${nounZh}的键须为一个词。` },
  key_deep: {
    params: ['key', 'most'],
    en: '{key} is nested more than {most} levels deep.',
    'zh-CN': '{key} 嵌套超过 {most} 层。',
  },
  duplicate_key: {
    params: ['name'],
    en: 'The key {name} is there twice. Remove one.',
    'zh-CN': '键 {name} 出现了两次。请删除一个。',
  },
  number: {
    params: ['key', 'problem'],
    en: '{key} cannot be kept as it is written. {problem}',
    'zh-CN': '{key} 无法原样保存。{problem}',
  },
  unavailable: {
    params: ['key'],
    en: '[{key=services}Service containers (services) are|{key=artifacts}Artifacts (artifacts) are|{key=reports}Reports (reports) are|Caches (cache) are] not available in this version. Remove the key.',
    'zh-CN': '此版本没有[{key=services}服务容器|{key=artifacts}制品|{key=reports}报告|缓存]（{key}）。请删除此键。',
  },
  key_odd: {
    params: ['name', 'odd'],
    en: 'The key {name} holds {odd}. Write it anew with plain characters.',
    'zh-CN': '键 {name} 含有{odd}。请用普通字符重写。',
  },
  key_foreign: {
    params: ['noun', 'name', 'here'],
    en: `${nounFirst} has no key {name}. Here it is called {here}.`,
    'zh-CN': `${nounZh}没有键 {name}。此处它叫 {here}。`,
  },
  key_job: {
    params: ['name'],
    en: '{name} looks like a step. Steps stand below `steps:`, each under its own key, with what it runs in run.',
    'zh-CN': '{name} 像是一个步骤。步骤写在 `steps:` 之下，每个有自己的键，要运行的内容写在 run 中。',
  },
  key_commands: {
    params: ['name'],
    en: 'A step has no key {name}. Here it is called run, and is one text: write the commands one below the other, indented below `run: |`.',
    'zh-CN': '步骤没有键 {name}。此处它叫 run，是一段文本：请把命令逐行写在 `run: |` 之下并缩进。',
  },
  key_instead: {
    params: ['noun', 'name', 'what', 'write?'],
    en: `${nounFirst} has no key {name}.[{what=before} Write its commands at the beginning of run.|{what=after} Write its commands into a step of its own that needs this one, with when: always().|{what=stage} A step waits for the steps that it names in needs.|{what=stages} There are no stages: each step waits for the steps that it names in needs.|{what=extends} What several steps share stands in defaults, in templates, or in a map with an anchor that each takes over with \`<<\`; steps that come again are a template (\`uses: template\`).|{what=except} Write a condition in when, with ! for not; events stand under on of the pipeline: push, pullRequest.|{what=only} Write a condition in when: git.branch, run.trigger, changed(…), hashFiles(…) != ""; events stand under on of the pipeline: push, pullRequest.|{what=starts} What starts runs stands under on: push, pullRequest, comment, release, each with its branches, tags and paths.|{what=ignore} Write the patterns with ! before them: {write}.|{what=plugins} Write what they do in run.|{what=permissions} Tokens are secrets that a step names.|{what=minutes} Write the minutes with their unit: {write}.]`,
    'zh-CN': `${nounZh}没有键 {name}。[{what=before}请把其中的命令写在 run 的开头。|{what=after}请把其中的命令写进一个单独的步骤，依赖本步骤，并写 when: always()。|{what=stage}步骤等待其 needs 中列出的步骤。|{what=stages}没有阶段：每个步骤等待其 needs 中列出的步骤。|{what=extends}多个步骤共有的内容写在 defaults 或 templates 中，或写成带锚点的映射，由各步骤用 \`<<\` 取用；重复出现的一组步骤写成模板（\`uses: template\`）。|{what=except}请在 when 中写条件，用 ! 表示否定；事件写在流水线的 on 中：push、pullRequest。|{what=only}请在 when 中写条件：git.branch、run.trigger、changed(…)、hashFiles(…) != ""；事件写在流水线的 on 中：push、pullRequest。|{what=starts}启动运行的事件写在 on 中：push、pullRequest、comment、release，各有 branches、tags 与 paths。|{what=ignore}请在匹配模式前加 !：{write}。|{what=plugins}请把其所做的写在 run 中。|{what=permissions}令牌是步骤所列的密钥。|{what=minutes}请为分钟数写上单位：{write}。]`,
  },
  unknown_key: {
    params: ['noun', 'name', ...hintParams],
    en: `${nounFirst} has no key {name}.${hint}`,
    'zh-CN': `${nounZh}没有键 {name}。${hintZh}`,
  },
  schedule_cron: {
    params: ['example'],
    en: 'A schedule must be a cron expression, or a map with cron: {example}.',
    'zh-CN': '定时计划须为 cron 表达式，或带 cron 的映射：{example}。',
  },
  run_trigger: {
    params: ['example'],
    en: 'A pipeline whose runs start this one must be its name, or a map with pipeline: {example}.',
    'zh-CN': '触发本流水线的流水线须写其名称，或带 pipeline 的映射：{example}。',
  },
  unknown_trigger: {
    params: ['name', ...hintParams],
    en: `There is no trigger {name}.${hint}`,
    'zh-CN': `没有触发方式 {name}。${hintZh}`,
  },
  unknown_input_type: {
    params: ['name', ...hintParams],
    en: `There is no input type {name}.${hint}`,
    'zh-CN': `没有参数类型 {name}。${hintZh}`,
  },
  need_step: {
    params: ['form'],
    en: 'This need names no step. Write {form}.',
    'zh-CN': '这个依赖没有写明步骤。请写 {form}。',
  },
  retry_max: {
    params: [],
    en: 'retry needs max: how many attempts after the first.',
    'zh-CN': 'retry 需要 max：首次之后最多再尝试多少次。',
  },
  retry_on: {
    params: ['name', ...hintParams],
    en: `{name} is nothing to retry on.${hint}`,
    'zh-CN': `{name} 不是可以重试的情形。${hintZh}`,
  },
  run_and_uses: {
    params: ['key', 'type'],
    en: '{key} is for scripts; {type} takes its parameters from with. Remove one of uses and {key}.',
    'zh-CN': '{key} 用于脚本；{type} 的参数写在 with 中。请删除 uses 与 {key} 之一。',
  },
  spelled_twice: {
    params: ['key', 'alias'],
    en: '{alias} and {key} say the same thing. Remove one.',
    'zh-CN': '{alias} 与 {key} 写的是同一内容。请删除一个。',
  },
  run_and_with: {
    params: ['key', 'name'],
    en: '{key} and with.{name} say the same thing. Remove one.',
    'zh-CN': '{key} 与 with.{name} 写的是同一内容。请删除一个。',
  },
} as const satisfies Record<string, Entry>
