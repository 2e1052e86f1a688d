// What is wrong with a value: of an input, of a number, of a name, of a duration.
import { got, gotParams, gotZh, word, wordParams, wordZh } from './parts.ts'
import type { Entry } from './template.ts'

export const ofValues = {
  number_finite: {
    params: ['number'],
    en: 'It must be a number, not {number}.',
    'zh-CN': '须为数字，而不是 {number}。',
  },
  number_minus: { params: [], en: 'It must be 0, not -0.', 'zh-CN': '须为 0，而不是 -0。' },
  number_unsafe: {
    params: ['least', 'most'],
    en: 'Whole numbers are exact only from {least} to {most}. Make it text, or a smaller number.',
    'zh-CN': '整数只在 {least} 到 {most} 之间精确。请改为文本，或用更小的数。',
  },
  number_written: {
    params: ['number'],
    en: '{number} is no number in plain decimal digits, such as 10 or 0.5. Write it so.',
    'zh-CN': '{number} 不是普通十进制数字。请写成例如 10 或 0.5。',
  },
  number_digits: {
    params: ['number', 'become'],
    en: '{number} would become {become}. Write fewer digits, or make it text.',
    'zh-CN': '{number} 会变成 {become}。请减少位数，或改为文本。',
  },

  input_number: {
    params: [...gotParams, 'quotes?', 'problem?'],
    en: `It must be a number, not ${got}.[{quotes?} Send it without quotes: text is not converted.| {problem}]`,
    'zh-CN': `须为数字，而不是${gotZh}。[{quotes?}请不加引号发送：文本不会被转换。|{problem}]`,
  },
  input_boolean: {
    params: [...gotParams, 'quotes?'],
    en: `It must be true or false, not ${got}.[{quotes?} Send it without quotes: text is not converted.]`,
    'zh-CN': `须为 true 或 false，而不是${gotZh}。[{quotes?}请不加引号发送：文本不会被转换。]`,
  },
  input_choice: {
    params: ['options', ...gotParams],
    en: `It must be one of {options}, not ${got}.`,
    'zh-CN': `须为 {options} 之一，而不是${gotZh}。`,
  },
  input_text: { params: [...gotParams], en: `It must be text, not ${got}.`, 'zh-CN': `须为文本，而不是${gotZh}。` },
  input_long: { params: ['most'], en: 'It is longer than {most} KiB.', 'zh-CN': '超过 {most} KiB。' },
  input_characters: { params: ['odd'], en: 'It must not hold {odd}.', 'zh-CN': '不能含有{odd}。' },
  input_required: {
    params: ['of?'],
    en: 'This [{of=field}field|input] is required.',
    'zh-CN': '此[{of=field}字段|参数]必填。',
  },
  input_default: {
    params: ['problem'],
    en: 'The default does not fit the input. {problem}',
    'zh-CN': '默认值与参数不符。{problem}',
  },

  integer_range: {
    params: ['least', 'most'],
    en: 'It must be a whole number from {least} to {most}.',
    'zh-CN': '须为 {least} 到 {most} 的整数。',
  },
  characters: {
    params: ['odd'],
    en: 'This text holds {odd}, which cannot be stored. Remove it.',
    'zh-CN': '文本含有{odd}，无法保存。请删除。',
  },
  label: {
    params: ['word'],
    en: '{word} is no agent label: use letters, digits and . _ : / = - only, beginning with a letter or digit, at most 64.',
    'zh-CN': '{word} 不是代理标签：只能用字母、数字和 . _ : / = -，以字母或数字开头，最多 64 个字符。',
  },
  labels_many: {
    params: ['count', 'most'],
    en: 'There are {count} labels; an agent may have {most}.',
    'zh-CN': '有 {count} 个标签；一个代理最多 {most} 个。',
  },
  label_of_host: {
    params: ['word'],
    en: 'Agents say {word} of themselves, so it cannot protect. Give another label.',
    'zh-CN': '代理会自报 {word}，因此它不能用于保护。请授予其他标签。',
  },
  env_reserved: {
    params: ['name', 'secret?', 'by'],
    en: '[{secret?}A secret is a variable: ]{name} is set by [{by=shell}the shell itself|AnsFlow itself for each step]. Use another name.',
    'zh-CN': '[{secret?}密钥也是变量：]{name} 由[{by=shell} shell |AnsFlow ]自行设置。请换一个名称。',
  },
  env_path: {
    params: ['variable'],
    en: 'Values of env are taken as they are: PATH would hold the text {variable}. Write export PATH=… at the beginning of the script, where {variable} is known.',
    'zh-CN': 'env 的值按原样使用：PATH 会含有文本 {variable}。请在脚本开头写 export PATH=…，在那里 {variable} 才有值。',
  },
  name_proto: {
    params: ['name'],
    en: '{name} cannot be a name here: programs that read it would take it for something else. Use another one.',
    'zh-CN': '{name} 在此不能作名称：读取它的程序会把它当作别的东西。请换一个名称。',
  },
  cron_form: {
    params: ['value', 'example'],
    en: '{value} is no cron expression: write minute, hour, day of month, month and day of week, such as {example}, or @daily.',
    'zh-CN': '{value} 不是 cron 表达式：请依次写分、时、日、月、星期，例如 {example}，或写 @daily。',
  },
  cron_wrong: {
    params: ['value', 'detail'],
    en: 'The cron expression {value} cannot be used: {detail}.',
    'zh-CN': '无法使用 cron 表达式 {value}：{detail}。',
  },
  cron_never: {
    params: ['value'],
    en: 'The cron expression {value} names a day that no year has.',
    'zh-CN': 'cron 表达式 {value} 所指的日期在任何一年都不存在。',
  },
  timezone: {
    params: ['value', 'example'],
    en: 'There is no time zone {value}. Write an IANA name, such as {example}.',
    'zh-CN': '没有时区 {value}。请写 IANA 名称，例如 {example}。',
  },
  env_name: {
    params: [...wordParams],
    en: `${word} is no name for a variable: use letters, digits and _, not beginning with a digit.`,
    'zh-CN': `${wordZh} 不能作变量名：只能用字母、数字和 _，且不以数字开头。`,
  },
  secret_name: {
    params: [...wordParams],
    en: `${word} is no name for a secret: use letters, digits and _, not beginning with a digit.`,
    'zh-CN': `${wordZh} 不能作密钥名：只能用字母、数字和 _，且不以数字开头。`,
  },
  outputs_long: {
    params: ['most'],
    en: 'The outputs have more than {most} KiB.',
    'zh-CN': '输出超过 {most} KiB。',
  },
  output_name: {
    params: [...wordParams],
    en: `${word} is no name for an output: use letters, digits and _, not beginning with a digit.`,
    'zh-CN': `${wordZh} 不能作输出名：只能用字母、数字和 _，且不以数字开头。`,
  },
  input_name: {
    params: [...wordParams],
    en: `${word} is no name for an input: use letters, digits and _, not beginning with a digit.`,
    'zh-CN': `${wordZh} 不能作参数名：只能用字母、数字和 _，且不以数字开头。`,
  },
  step_id: {
    params: [...wordParams],
    en: `${word} is no id for a step: use small letters, digits, - and _, beginning with a letter or digit, at most 64.`,
    'zh-CN': `${wordZh} 不能作步骤的键：只能用小写字母、数字、- 和 _，以字母或数字开头，最多 64 个字符。`,
  },
  image: {
    params: [...wordParams],
    en: `${word} is no container image: write its name with a tag or a digest, such as node:22 or ghcr.io/acme/tools@sha256:….`,
    'zh-CN': `${wordZh} 不是容器镜像：请写镜像名称，可带标签或摘要，例如 node:22 或 ghcr.io/acme/tools@sha256:…。`,
  },
  umask: {
    params: [...wordParams],
    en: `${word} is no umask: write three or four octal digits, such as 022 or 077.`,
    'zh-CN': `${wordZh} 不是 umask：请写三或四位八进制数字，例如 022 或 077。`,
  },
  nice: {
    params: [...wordParams],
    en: `${word} is no niceness: write a whole number from 0 to 19.`,
    'zh-CN': `${wordZh} 不是 nice 值：请写 0 到 19 的整数。`,
  },
  workspace: {
    params: [...wordParams],
    en: `${word} is no workspace: write shared, isolated, or a name of letters, digits, ., _ and -.`,
    'zh-CN': `${wordZh} 不是工作区：请写 shared、isolated，或由字母、数字、.、_ 和 - 组成的名称。`,
  },
  duration_long: { params: [], en: 'That is longer than 30 days.', 'zh-CN': '超过了 30 天。' },
  duration_form: {
    params: [...gotParams],
    en: `[{kind=list}A list|{kind=map}A map|{kind=empty}Nothing|{kind=text}The text {value}|{value}|This] is no duration. Write 90s, 10m, 1h30m, 500ms or a number of seconds.`,
    'zh-CN': `[{kind=list}列表|{kind=map}映射|{kind=empty}空值|{kind=text}文本 {value} |{value} |这]不是时长。请写 90s、10m、1h30m、500ms，或秒数。`,
  },
  duration_none: {
    params: [],
    en: 'A timeout of nothing is none. Write how long it may take, or leave it out.',
    'zh-CN': '超时为零等于没有超时。请写明最长多久，或将其删除。',
  },
} as const satisfies Record<string, Entry>
