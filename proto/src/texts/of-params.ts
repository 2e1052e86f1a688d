// What is wrong with the parameters of a step, by any type's rules and by each type's own.
import { got, gotParams, gotZh, hint, hintParams, hintZh } from './parts.ts'
import type { Entry } from './template.ts'

const example = '[ For example: `{example}`.]'
const exampleZh = '[例如：`{example}`。]'

export const ofParams = {
  param_unknown: {
    params: ['type', 'name', ...hintParams],
    en: `{type} has no parameter {name}.${hint}`,
    'zh-CN': `{type} 没有参数 {name}。${hintZh}`,
  },
  param_foreign: {
    params: ['type', 'name', 'here'],
    en: '{type} has no parameter {name}. Here it is called {here}.',
    'zh-CN': '{type} 没有参数 {name}。此处它叫 {here}。',
  },
  param_missing: {
    params: ['param', 'type', 'example?'],
    en: `{param} is missing.${example}`,
    'zh-CN': `缺少{param}。${exampleZh}`,
  },
  param_empty: {
    params: ['param', 'type', 'example?'],
    en: `{param} is empty.${example}`,
    'zh-CN': `{param}为空。${exampleZh}`,
  },
  param_type: {
    params: ['param', 'type', 'want', ...gotParams, 'example?'],
    en: `{param} must be [{want=string}text|{want=integer}a whole number|{want=number}a number|{want=boolean}true or false|{want=array}a list|a map], not ${got}.${example}`,
    'zh-CN': `{param}须为[{want=string}文本|{want=integer}整数|{want=number}数字|{want=boolean} true 或 false|{want=array}列表|映射]，而不是${gotZh}。${exampleZh}`,
  },
  param_enum: {
    params: ['param', 'type', 'options', 'value?', 'near?'],
    en: '{param} must be one of {options}[, not {value}].[ Did you mean "{near}"?]',
    'zh-CN': '{param}须为 {options} 之一[，而不是 {value}]。[是否想写“{near}”？]',
  },
  param_long: {
    params: ['param', 'type', 'most'],
    en: '{param} is longer than {most} characters.',
    'zh-CN': '{param}超过 {most} 个字符。',
  },
  param_least: {
    params: ['param', 'type', 'least', 'value'],
    en: '{param} must be at least {least}, not {value}.',
    'zh-CN': '{param}不能小于 {least}，而现在是 {value}。',
  },
  param_most: {
    params: ['param', 'type', 'most', 'value'],
    en: '{param} must be at most {most}, not {value}.',
    'zh-CN': '{param}不能大于 {most}，而现在是 {value}。',
  },
  param_form: {
    params: ['param', 'type', 'value', 'example?'],
    en: `{param} cannot be {value}.${example}`,
    'zh-CN': `{param}不能是 {value}。${exampleZh}`,
  },
  param_entries: {
    params: ['param', 'type', 'most'],
    en: '{param} has more than {most} entries.',
    'zh-CN': '{param}超过 {most} 项。',
  },
  param_lacks: {
    params: ['param', 'type', 'name'],
    en: '{param} needs {name}.',
    'zh-CN': '{param}缺少 {name}。',
  },
  param_part: {
    params: ['param', 'type', 'name', ...hintParams],
    en: `{param} has no {name}.${hint}`,
    'zh-CN': `{param}没有 {name}。${hintZh}`,
  },
  param_key: {
    params: ['param', 'type', 'name', 'example?'],
    en: `{name} cannot be a name in {param}.${example}`,
    'zh-CN': `{name} 不能用作{param}中的名称。${exampleZh}`,
  },
  param_wrong: { params: ['param', 'type', 'problem'], en: '{param}: {problem}', 'zh-CN': '{param}：{problem}' },
  unknown_step_type: {
    params: ['type', ...hintParams],
    en: `There is no step type {type}.${hint}`,
    'zh-CN': `没有步骤类型 {type}。${hintZh}`,
  },
  foreign_action: {
    params: ['type', 'here?', 'what?'],
    en: 'Actions, plugins and images of other systems do not run here, so there is no {type}. [Here {here} does what it is for.|{what=tools}Install what it sets up in run, or let the step run on agents that have it (runsOn).|{what=files}Steps of one workspace share their files; keep what is to stay with a command in run.|{what=docker}Write docker commands in run.|Write what it does in run.]',
    'zh-CN':
      '其他系统的 Action、插件与镜像不能在此运行，因此没有 {type}。[其用途在此由 {here} 完成。|{what=tools}请在 run 中安装所需工具，或让步骤在已安装的代理上运行（runsOn）。|{what=files}同一工作区的步骤共享文件；需要保留的内容请在 run 中用命令保存。|{what=docker}请在 run 中写 docker 命令。|请把其所做的写在 run 中。]',
  },
  later_step_type: {
    params: ['type'],
    en: 'The step type {type} is not available in this version.',
    'zh-CN': '此版本没有步骤类型 {type}。',
  },
  no_step_type: {
    params: [],
    en: 'The step says neither what it uses nor what it runs.',
    'zh-CN': '步骤既没有写 uses，也没有写 run。',
  },
  secret_not_named: {
    params: ['name', 'written'],
    en: '{written} is sent as it stands, because the step does not list {name} under secrets. List it there if it is meant to be the secret.',
    'zh-CN': '步骤未在“密钥”中列出 {name}，因此 {written} 会按原样发送。如需使用密钥，请将其列入。',
  },

  script_empty: {
    params: [],
    en: 'The script is empty. Write at least one command.',
    'zh-CN': '脚本为空。请至少写一条命令。',
  },
  script_long: {
    params: ['most'],
    en: 'The script is longer than {most} KiB. Keep it in the repository and call it from here.',
    'zh-CN': '脚本超过 {most} KiB。请把它放进仓库，再从这里调用。',
  },
  script_nul: {
    params: [],
    en: 'The script holds a NUL character. Remove it.',
    'zh-CN': '脚本含有 NUL 字符。请删除。',
  },
  path_inside: {
    params: ['param', 'type', 'example'],
    en: '{param} must be a relative path inside the workspace, such as "{example}".',
    'zh-CN': '{param}须为工作区内的相对路径，例如“{example}”。',
  },
  param_one_line: { params: ['param', 'type'], en: '{param} must be one line.', 'zh-CN': '{param}须为一行。' },

  http_address: {
    params: ['value'],
    en: '{value} is no address: write http://… or https://… with a host.',
    'zh-CN': '{value} 不是地址：请写 http://… 或 https://…，并带上主机。',
  },
  http_password: {
    params: [],
    en: 'Leave user and password out of the address: everyone who reads the pipeline would see them. Use a header with a secret.',
    'zh-CN': '请勿在地址中写用户与密码：能看到流水线的人都会看到它们。请用带密钥的请求头。',
  },
  http_own_header: {
    params: ['name'],
    en: '{name} is set by AnsFlow. Remove it.',
    'zh-CN': '{name} 由 AnsFlow 设置。请删除。',
  },
  http_header_line: {
    params: ['name'],
    en: 'The header {name} must be one line.',
    'zh-CN': '请求头 {name} 须为一行。',
  },
  http_body: {
    params: [],
    en: 'GET and HEAD have no body. Choose another method, or remove the body.',
    'zh-CN': 'GET 与 HEAD 没有请求体。请换一种方法，或删除请求体。',
  },
  http_pointer: {
    params: ['name', 'value'],
    en: '{name} must be a JSON Pointer such as /data/id, not {value}.',
    'zh-CN': '{name} 须为 JSON Pointer，例如 /data/id，而不是 {value}。',
  },
  http_timeout: {
    params: ['value'],
    en: 'Write how long as 30s or 2m, not {value}.',
    'zh-CN': '时长请写成 30s 或 2m，而不是 {value}。',
  },
  http_timeout_most: { params: [], en: 'One try may take at most 10m.', 'zh-CN': '单次尝试最长 10m。' },

  wait_nothing: { params: [], en: 'Say how long to wait, or until when.', 'zh-CN': '请写明等待多久，或等到何时。' },
  wait_both: {
    params: [],
    en: 'Say either how long to wait or until when, not both.',
    'zh-CN': '请只写等待多久或等到何时之一。',
  },
  wait_duration: {
    params: ['value'],
    en: 'Write how long as 90s, 10m or 1h30m, not {value}.',
    'zh-CN': '时长请写成 90s、10m 或 1h30m，而不是 {value}。',
  },
  wait_until: {
    params: ['value'],
    en: '{value} is no moment. Write date, time and time zone, such as 2030-01-31T09:00:00Z or 2030-01-31T17:00:00+08:00.',
    'zh-CN': '{value} 不是时刻。请写日期、时间与时区，例如 2030-01-31T09:00:00Z 或 2030-01-31T17:00:00+08:00。',
  },
  wait_zone: {
    params: ['value', 'write'],
    en: '{value} does not say in which time zone. Write Z for UTC or an offset behind it: {write}Z, {write}+08:00.',
    'zh-CN': '{value} 没有写明时区。请在其后写 Z（UTC）或偏移：{write}Z、{write}+08:00。',
  },
  wait_far: { params: [], en: 'That is more than a year ahead.', 'zh-CN': '那在一年多以后。' },

  approval_nobody: {
    params: [],
    en: 'Say who may approve: role:maintainer, or user: and an e-mail address.',
    'zh-CN': '请写明谁可以审批：role:maintainer，或 user: 加邮箱地址。',
  },
  approval_approver: {
    params: ['value', 'team?'],
    en: '[{team?}There are no teams in this version, so {value} is nobody.|{value} is no approver.] Write role:maintainer, or user: and an e-mail address.',
    'zh-CN':
      '[{team?}此版本没有团队，因此 {value} 不代表任何人。|{value} 不是审批人。]请写 role:maintainer，或 user: 加邮箱地址。',
  },
  approval_role: {
    params: ['value', 'options', 'near?'],
    en: 'There is no role {value}: it is one of {options}.[ Did you mean "{near}"?]',
    'zh-CN': '没有角色 {value}：须为 {options} 之一。[是否想写“{near}”？]',
  },
  approval_required: {
    params: ['required', 'count'],
    en: '{required} have to approve, but only [{count=1}one person is|{count} people are] named.',
    'zh-CN': '需要 {required} 人批准，但只指定了 {count} 人。',
  },
  approval_field: {
    params: ['value', 'own?'],
    en: '{value} cannot be the name of a field[{own?}: it is an output that every approval has|: use letters, digits and _, beginning with none of the digits].',
    'zh-CN': '{value} 不能用作字段名[{own?}：每个审批都有同名输出|：只能用字母、数字与 _，且不以数字开头]。',
  },
  approval_field_twice: { params: ['name'], en: 'Two fields are called {name}.', 'zh-CN': '有两个字段都叫 {name}。' },
  approval_options: {
    params: ['name'],
    en: 'The field {name} is a choice: give it options.',
    'zh-CN': '字段 {name} 是选择项：请给出选项。',
  },
  approval_default: {
    params: ['name', 'problem'],
    en: 'The default of the field {name}: {problem}',
    'zh-CN': '字段 {name} 的默认值：{problem}',
  },
  approval_no_expiry: {
    params: [],
    en: 'Say under expires after how long, or remove this.',
    'zh-CN': '请在“过期”中写明多久，或移除此项。',
  },
  approval_answers: {
    params: ['name'],
    en: 'The required field {name} needs a default: when the approval expires, nobody is there to answer it.',
    'zh-CN': '必填字段 {name} 需要默认值：审批过期时没有人填写它。',
  },
  approval_long: {
    params: ['most'],
    en: 'Message, approvers and fields are larger than {most} KiB together.',
    'zh-CN': '说明、审批人与字段合计超过 {most} KiB。',
  },

  git_url_empty: { params: [], en: 'The repository address is empty.', 'zh-CN': '仓库地址为空。' },
  git_long: {
    params: [],
    en: 'The repository address is longer than 2048 characters.',
    'zh-CN': '仓库地址超过 2048 个字符。',
  },
  git_helper: {
    params: [],
    en: 'Addresses of the form "helper::…" start programs and are refused. Use https, ssh, file or an absolute path.',
    'zh-CN': '形如“helper::…”的地址会启动程序，因此不接受。请用 https、ssh、file 或绝对路径。',
  },
  git_spaces: {
    params: [],
    en: 'The repository address must not hold spaces or control characters.',
    'zh-CN': '仓库地址不能含有空格或控制字符。',
  },
  git_option: {
    params: [],
    en: 'The repository address must not begin with "-": git would read it as an option.',
    'zh-CN': '仓库地址不能以“-”开头：git 会把它当作选项。',
  },
  git_file: {
    params: [],
    en: 'A file address needs an absolute path: file:///srv/git/app.git.',
    'zh-CN': 'file 地址需要绝对路径：file:///srv/git/app.git。',
  },
  git_host: { params: [], en: 'The repository address names no host.', 'zh-CN': '仓库地址没有主机。' },
  git_scheme: {
    params: ['scheme'],
    en: 'The scheme "{scheme}" is not supported. Use https, http, ssh or file, in small letters.',
    'zh-CN': '不支持协议“{scheme}”。请用小写的 https、http、ssh 或 file。',
  },
  git_path_option: {
    params: [],
    en: 'The path of the repository must not begin with "-".',
    'zh-CN': '仓库路径不能以“-”开头。',
  },
  git_address: {
    params: [],
    en: 'This is no repository address. Write https://host/path, ssh://git@host/path, git@host:path or an absolute path.',
    'zh-CN': '这不是仓库地址。请写 https://host/path、ssh://git@host/path、git@host:path 或绝对路径。',
  },
  git_host_option: {
    params: [],
    en: 'Host and user of the address must not begin with "-".',
    'zh-CN': '地址的主机与用户不能以“-”开头。',
  },
  child_name: {
    params: ['value'],
    en: '{value} is no name of a pipeline.',
    'zh-CN': '{value} 不是流水线的名称。',
  },
  fetch_no_repository: {
    params: ['param', 'type'],
    en: '{param} is missing, and this run is for no connected repository. Give the address, or start the run for a branch or commit of a repository.',
    'zh-CN': '缺少{param}，且本次运行不针对任何已连接的仓库。请填写地址，或针对仓库的分支或提交启动运行。',
  },
  fetch_needs_repository: {
    params: ['param', 'type'],
    en: 'Without {param}, the step takes the repository that a run is for: it fails in a run that is for none, and nothing in a repository starts this pipeline.',
    'zh-CN':
      '没有{param}时，步骤拉取本次运行所针对的仓库；若运行不针对任何仓库，步骤会失败，而此流水线没有由仓库触发的方式。',
  },
  git_port: { params: ['port'], en: 'There is no port {port}.', 'zh-CN': '没有端口 {port}。' },
  git_password_ssh: {
    params: [],
    en: 'Leave the password out of the address; ssh uses the key named by sshKeySecret.',
    'zh-CN': '请勿在地址中写密码；ssh 使用 sshKeySecret 所指的私钥。',
  },
  git_password: {
    params: [],
    en: 'Leave the password out of the address: everyone who reads the pipeline would see it. Store it as a secret and name it in passwordSecret.',
    'zh-CN': '请勿在地址中写密码：能看到流水线的人都会看到它。请存为密钥，并写进 passwordSecret。',
  },
  git_ref_long: { params: [], en: 'The ref is longer than 255 characters.', 'zh-CN': '引用超过 255 个字符。' },
  git_ref_option: {
    params: [],
    en: 'A ref must not begin with "-": git would read it as an option.',
    'zh-CN': '引用不能以“-”开头：git 会把它当作选项。',
  },
  git_ref_characters: {
    params: ['signs'],
    en: 'A ref must not hold spaces, control characters, "..", "@{" or any of {signs}.',
    'zh-CN': '引用不能含有空格、控制字符、“..”、“@{”以及 {signs}。',
  },
  git_ref_name: {
    params: [],
    en: 'Git does not allow this name for a branch or tag.',
    'zh-CN': 'Git 不允许分支或标签使用此名称。',
  },
} as const satisfies Record<string, Entry>
