// The step type `build`: a script that turns sources into something to test or deploy.
import { checkScript, compileScript, scriptForeign, scriptParams, scriptSummary } from './script.ts'
import type { StepType } from './step-type.ts'

export const build: StepType = {
  id: 'build',
  category: 'build',
  icon: 'hammer',
  title: { en: 'Build', 'zh-CN': '构建' },
  description: {
    en: 'Compiles or bundles the project with its own build tool.',
    'zh-CN': '使用项目自带的构建工具进行编译或打包。',
  },
  aliases: ['compile', 'make', 'npm', 'maven', 'gradle', 'bundle', 'package', '编译', '打包'],
  params: scriptParams({
    help: {
      en: 'The commands that build the project, for example its make or npm target.',
      'zh-CN': '构建项目的命令，例如 make 或 npm 的目标。',
    },
    examples: ['make', 'npm ci && npm run build', 'mvn -B package', 'go build ./...'],
  }),
  foreign: scriptForeign,
  defaults: { script: 'make\n' },
  summary: scriptSummary,
  outputs: [],
  check: checkScript,
  by: 'agent',
  compile: compileScript,
}
