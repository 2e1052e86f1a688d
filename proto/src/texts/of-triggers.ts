// What is wrong with what happens in repositories as a pipeline's triggers say it, and why something that has happened starts nothing.
import type { Entry } from './template.ts'

const event =
  '[{event=push}a push|{event=tag}a tag|{event=pull_request}a pull request|{event=comment}a comment|{event=release}a release|{event}]'
const eventZh =
  '[{event=push}推送|{event=tag}标签|{event=pull_request}合并请求|{event=comment}评论|{event=release}发布|{event}]'

export const ofTriggers = {
  glob_empty: { params: [], en: 'A pattern is empty. Remove it.', 'zh-CN': '有一个匹配模式为空，请删除。' },
  glob_long: {
    params: ['most'],
    en: 'A pattern may have at most {most} characters.',
    'zh-CN': '匹配模式最多 {most} 个字符。',
  },
  glob_mistake: {
    params: ['pattern', 'mistake'],
    en: '{pattern} is no pattern:[{mistake=brace} a curly bracket is not closed| {mistake=bracket}a square bracket is not closed| {mistake=range}a range ends before it begins| {mistake=escape}nothing follows the backslash at its end| {mistake=deep}more than 8 curly brackets stand inside each other| {mistake}].',
    'zh-CN':
      '{pattern} 不是匹配模式：[{mistake=brace}花括号未闭合|{mistake=bracket}方括号未闭合|{mistake=range}区间的终点在起点之前|{mistake=escape}末尾的反斜杠之后没有字符|{mistake=deep}花括号嵌套超过 8 层|{mistake}]。',
  },
  glob_root: {
    params: ['pattern', 'write'],
    en: 'Paths begin at the root, without a slash: write {write} instead of {pattern}.',
    'zh-CN': '路径从根目录开始，开头没有斜杠：请写 {write}，而不是 {pattern}。',
  },
  glob_folder: {
    params: ['pattern', 'write'],
    en: 'Patterns are of files, not of folders: for everything in {pattern} write {write}.',
    'zh-CN': '匹配模式针对文件，而不是文件夹：要匹配 {pattern} 中的一切，请写 {write}。',
  },
  report_outside: {
    params: [],
    en: 'Reports are looked for in the workspace only: a pattern must not hold "..".',
    'zh-CN': '只在工作区内查找报告：匹配模式中不能有“..”。',
  },
  many_globs: { params: ['most'], en: 'There are more than {most} patterns.', 'zh-CN': '匹配模式超过 {most} 个。' },
  many_commands: { params: ['most'], en: 'There are more than {most} commands.', 'zh-CN': '命令超过 {most} 个。' },
  command_name: {
    params: ['name'],
    en: '{name} is no command: it is one word of small letters, digits, - and _, without /ansflow before it.',
    'zh-CN': '{name} 不是命令：命令是一个由小写字母、数字、- 与 _ 组成的词，前面不写 /ansflow。',
  },
  duplicate_command: {
    params: ['name'],
    en: 'There are two commands {name}. Remove one.',
    'zh-CN': '有两个命令 {name}。请删除一个。',
  },
  comment_trigger: {
    params: ['example'],
    en: 'A comment that starts runs must be a command, or a map with command: {example}.',
    'zh-CN': '启动运行的评论须为一个命令，或带 command 的映射：{example}。',
  },
  changed_literal: {
    params: ['call', 'example'],
    en: 'What {call}() is asked must be texts that are written out, such as {example}: it is looked up before the run begins.',
    'zh-CN': '{call}() 的参数须为直接写出的文本，例如 {example}：它在运行开始之前就会查出。',
  },
  changed_pattern: {
    params: ['call', 'problem'],
    en: '{call}() cannot be asked this. {problem}',
    'zh-CN': '{call}() 的参数有误。{problem}',
  },
  changed_trigger: {
    params: [],
    en: 'changed() is for steps. A trigger names the files that start runs in paths.',
    'zh-CN': 'changed() 用于步骤。触发方式在 paths 中写明哪些文件会启动运行。',
  },
  hash_files_trigger: {
    params: [],
    en: 'hashFiles() is for steps: what a trigger gives to a run is known before anybody looks at the files of its commit.',
    'zh-CN': 'hashFiles() 用于步骤：触发方式提供给运行的值，在查看提交的文件之前就已确定。',
  },
  hash_files_none: {
    params: [],
    en: 'hashFiles() looks at the commit that a run is for. This pipeline is kept in AnsFlow and nothing in a repository starts it: in a run that is for no commit hashFiles() is empty.',
    'zh-CN':
      'hashFiles() 查看的是运行所针对的提交。此流水线保存在 AnsFlow 中，也不由仓库中的事件启动：在不针对任何提交的运行中，hashFiles() 为空。',
  },
  many_changed: {
    params: ['call?', 'most'],
    en: 'The pipeline asks [{call}|changed]() of more than {most} lists of files.',
    'zh-CN': '流水线用 [{call}|changed]() 查询的文件列表超过 {most} 个。',
  },

  gate_none: {
    params: ['event'],
    en: `The pipeline does not start by ${event}.`,
    'zh-CN': `流水线不由${eventZh}启动。`,
  },
  gate_repository: {
    params: ['repository', 'wanted'],
    en: 'The repository is {repository}, the trigger wants {wanted}.',
    'zh-CN': '仓库是 {repository}，而触发方式要求 {wanted}。',
  },
  gate_deleted: {
    params: ['name'],
    en: '{name} was deleted: there is nothing to run for.',
    'zh-CN': '{name} 已被删除，没有可运行的内容。',
  },
  gate_branches_none: {
    params: ['branch'],
    en: 'This is the branch {branch}, and the trigger takes tags alone.',
    'zh-CN': '这是分支 {branch}，而触发方式只接受标签。',
  },
  gate_tags_none: {
    params: ['tag'],
    en: 'This is the tag {tag}, and the trigger takes no tags.',
    'zh-CN': '这是标签 {tag}，而触发方式不接受标签。',
  },
  gate_branch: {
    params: ['branch', 'wanted'],
    en: 'The branch is {branch}, the trigger wants {wanted}.',
    'zh-CN': '分支是 {branch}，而触发方式要求 {wanted}。',
  },
  gate_base: {
    params: ['branch', 'wanted'],
    en: 'It is to be merged into {branch}, the trigger wants {wanted}.',
    'zh-CN': '目标分支是 {branch}，而触发方式要求 {wanted}。',
  },
  gate_tag: {
    params: ['tag', 'wanted'],
    en: 'The tag is {tag}, the trigger wants {wanted}.',
    'zh-CN': '标签是 {tag}，而触发方式要求 {wanted}。',
  },
  gate_action: {
    params: ['action', 'wanted'],
    en: 'What has happened to it is {action}, the trigger wants {wanted}.',
    'zh-CN': '发生的是 {action}，而触发方式要求 {wanted}。',
  },
  gate_draft: {
    params: [],
    en: 'The pull request is a draft, and the trigger does not say drafts: true.',
    'zh-CN': '该合并请求是草稿，而触发方式没有写 drafts: true。',
  },
  gate_labels: {
    params: ['labels?', 'wanted'],
    en: 'The pull request has [the labels {labels}|no label], the trigger wants {wanted}.',
    'zh-CN': '该合并请求[的标签是 {labels}|没有标签]，而触发方式要求 {wanted}。',
  },
  gate_skip: {
    params: ['text'],
    en: 'The message of the commit says {text}.',
    'zh-CN': '提交说明中写有 {text}。',
  },
  gate_message: {
    params: ['message', 'wanted'],
    en: 'The message of the commit is {message}, the trigger wants {wanted}.',
    'zh-CN': '提交说明是 {message}，而触发方式要求 {wanted}。',
  },
  gate_paths: {
    params: ['files?', 'count', 'wanted'],
    en: '[The files that have changed are {files}|No file has changed] ({count}), the trigger wants {wanted}.',
    'zh-CN': '[变更的文件是 {files}|没有文件变更]（{count}），而触发方式要求 {wanted}。',
  },
  gate_command: {
    params: ['commands?', 'wanted'],
    en: 'The comment [says /ansflow {commands}|is no command], the trigger wants /ansflow {wanted}.',
    'zh-CN': '该评论[写的是 /ansflow {commands}|不是命令]，而触发方式要求 /ansflow {wanted}。',
  },
} as const satisfies Record<string, Entry>
