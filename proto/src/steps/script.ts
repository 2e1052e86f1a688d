// What step types that run a script have in common: their parameters, their summary, their execution.
import type { JsonObject } from '@bufbuild/protobuf'
import { limits, utf8Length } from '../limits.ts'
import { say } from '../texts/say.ts'
import { isInsidePath } from './path.ts'
import { type ParamProblem, type ParamSchema, type Text, text, type Work } from './step-type.ts'

export const shells = ['sh', 'bash', 'pwsh'] as const

/** A program with its arguments, as they are: no shell reads them. `{0}` is the script's file, which else comes last. */
const interpreter = '^[A-Za-z0-9_./+-]+( +[A-Za-z0-9_.,/:=+@%{}-]+)*$'

/** What other systems call them. */
export const scriptForeign: Readonly<Record<string, string>> = {
  run: 'script',
  command: 'script',
  commands: 'script',
  cmd: 'script',
  interpreter: 'shell',
  cwd: 'workingDirectory',
  workdir: 'workingDirectory',
  'working-directory': 'workingDirectory',
  dir: 'workingDirectory',
}

/** The parameters of a script type; help and example differ by type. */
export function scriptParams(script: { help: Text; examples: string[] }): ParamSchema {
  return {
    type: 'object',
    properties: {
      script: {
        type: 'string',
        minLength: 1,
        examples: script.examples,
        'x-widget': 'script',
        'x-order': 1,
        'x-text': { title: { en: 'Script', 'zh-CN': '脚本' }, help: script.help },
      },
      shell: {
        type: 'string',
        pattern: interpreter,
        maxLength: 256,
        default: 'sh',
        examples: [...shells, 'python3', 'node', 'perl -w {0}'],
        'x-widget': 'shell',
        'x-order': 2,
        'x-text': {
          title: { en: 'Shell', 'zh-CN': 'Shell' },
          help: {
            en: 'What runs the script: sh, bash, pwsh, or any program with its arguments. {0} stands for the script’s file, which otherwise comes last. It must be installed on the agent.',
            'zh-CN':
              '用来执行脚本的程序：sh、bash、pwsh，或任意程序及其参数。{0} 代表脚本文件；没有写时放在最后。代理主机上必须已安装。',
          },
        },
      },
      workingDirectory: {
        type: 'string',
        maxLength: 1024,
        examples: ['web'],
        'x-widget': 'path',
        'x-order': 3,
        'x-advanced': true,
        'x-text': {
          title: { en: 'Working directory', 'zh-CN': '工作目录' },
          help: {
            en: 'Where the script starts, relative to the workspace. Empty: the root of the workspace.',
            'zh-CN': '脚本的起始目录，相对于工作区。留空表示工作区根目录。',
          },
        },
      },
    },
    required: ['script'],
    additionalProperties: false,
  }
}

export function checkScript(params: JsonObject): ParamProblem[] {
  const problems: ParamProblem[] = []
  const script = text(params, 'script')
  if (script.trim() === '') problems.push({ field: 'script', said: say('script_empty') })
  if (utf8Length(script) > limits.scriptBytes) {
    problems.push({ field: 'script', said: say('script_long', { most: limits.scriptBytes / 1024 }) })
  }
  if (script.includes('\0')) problems.push({ field: 'script', said: say('script_nul') })
  const directory = text(params, 'workingDirectory')
  if (!isInsidePath(directory)) {
    const said = say('path_inside', { param: 'workingDirectory', type: 'custom', example: 'web' })
    problems.push({ field: 'workingDirectory', said })
  }
  return problems
}

/** The first line that does something. */
export function scriptSummary(params: JsonObject): string {
  const lines = text(params, 'script').split('\n')
  const line = lines.map((each) => each.trim()).find((each) => each !== '' && !each.startsWith('#')) ?? ''
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}

export function compileScript(params: JsonObject): Extract<Work, { by: 'agent' }> {
  return {
    by: 'agent',
    execution: {
      case: 'shell',
      value: {
        shell: text(params, 'shell') || 'sh',
        script: text(params, 'script'),
        workingDirectory: text(params, 'workingDirectory'),
      },
    },
  }
}
