// Why a step may not deploy to what it names.
import type { Entry } from '../texts/template.ts'

export const ofEnvironments = {
  environment_missing: {
    params: ['environment', 'known?'],
    en: 'The project has no environment {environment}.[ It has {known}.]',
    'zh-CN': '项目没有环境 {environment}。[项目中有 {known}。]',
  },
  environment_ref: {
    params: ['environment', 'allowed', 'ref?'],
    en: 'Only runs of {allowed} may deploy to {environment}, and this one is of [{ref}|no branch or tag].',
    'zh-CN': '只有 {allowed} 的运行可以部署到 {environment}，而此运行[属于 {ref}|不属于任何分支或标签]。',
  },
  environment_unverified: {
    params: ['environment', 'allowed'],
    en: 'Only runs of {allowed} may deploy to {environment}, and of this one nobody but whoever started it says what it is for: start it for a commit of a connected repository, from a published version.',
    'zh-CN':
      '只有 {allowed} 的运行可以部署到 {environment}，而此运行针对什么只有启动者的说法：请从已发布的版本、针对已连接仓库的提交启动。',
  },
  environment_pull: {
    params: ['environment', 'allowed', 'number'],
    en: 'Only runs of {allowed} may deploy to {environment}, and this one is of pull request #{number}.',
    'zh-CN': '只有 {allowed} 的运行可以部署到 {environment}，而此运行属于合并请求 #{number}。',
  },
  environment_fork: {
    params: ['environment', 'number?'],
    en: 'Runs of pull requests from forks deploy nothing to {environment}[: this one is of #{number}| and neither does what came of one].',
    'zh-CN': '来自复刻仓库的合并请求[（此运行属于 #{number}）|及由其引起的运行]不能部署到 {environment}。',
  },
  environment_url: {
    params: ['message?', 'problem?'],
    en: '[What was deployed has no link: {message}|What was deployed has no link: {problem}|What was deployed has no link.]',
    'zh-CN': '[部署的内容没有链接：{message}|部署的内容没有链接：{problem}|部署的内容没有链接。]',
  },
} as const satisfies Record<string, Entry>
