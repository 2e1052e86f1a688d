// The step type `custom`: any script. `run:` in a file is short for it.
import { checkScript, compileScript, scriptForeign, scriptParams, scriptSummary } from './script.ts'
import type { StepType } from './step-type.ts'

export const custom: StepType = {
  id: 'custom',
  category: 'build',
  icon: 'terminal',
  title: { en: 'Script', 'zh-CN': '脚本' },
  description: { en: 'Runs any script on an agent.', 'zh-CN': '在代理上执行任意脚本。' },
  aliases: ['run', 'shell', 'bash', 'powershell', 'command', 'script', '命令', '自定义'],
  params: scriptParams({
    help: {
      en: 'Runs line by line on the agent; the step fails when it ends with another exit code than 0.',
      'zh-CN': '在代理上逐行执行；退出码不为 0 时该步骤失败。',
    },
    examples: ['echo "hello"'],
  }),
  foreign: scriptForeign,
  defaults: { script: 'echo "hello"\n' },
  summary: scriptSummary,
  outputs: [],
  check: checkScript,
  by: 'agent',
  compile: compileScript,
}
