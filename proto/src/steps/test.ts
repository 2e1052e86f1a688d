// The step type `test`: a script that checks the project and fails when a check does.
import { checkScript, compileScript, scriptForeign, scriptParams, scriptSummary } from './script.ts'
import type { StepType } from './step-type.ts'

export const test: StepType = {
  id: 'test',
  category: 'test',
  icon: 'flask-conical',
  title: { en: 'Test', 'zh-CN': '测试' },
  description: {
    en: 'Runs the project’s tests or checks; a failing check fails the step.',
    'zh-CN': '运行项目的测试或检查；检查不通过则步骤失败。',
  },
  aliases: ['unit', 'check', 'lint', 'junit', 'pytest', 'jest', 'vitest', 'verify', '单元测试', '检查'],
  params: scriptParams({
    help: {
      en: 'The commands that run the tests. Their exit code decides: 0 passes.',
      'zh-CN': '运行测试的命令，由退出码决定结果：0 表示通过。',
    },
    examples: ['make check', 'npm test', 'pytest', 'go test ./...'],
  }),
  foreign: scriptForeign,
  defaults: { script: 'make check\n' },
  summary: scriptSummary,
  outputs: [],
  check: checkScript,
  by: 'agent',
  compile: compileScript,
}
