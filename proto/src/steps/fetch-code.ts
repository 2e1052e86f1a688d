// The step type `fetch_code`: brings a git repository's files into the workspace.
import type { JsonObject } from '@bufbuild/protobuf'
import { type Said, say } from '../texts/say.ts'
import { gitRefProblem, gitUrlProblem } from './git-url.ts'
import { ParamError } from './params.ts'
import { isInsidePath } from './path.ts'
import { type CompileContext, type ParamProblem, type StepType, text } from './step-type.ts'

export const fetchCode: StepType = {
  id: 'fetch_code',
  category: 'source',
  icon: 'git-branch',
  title: { en: 'Fetch code', 'zh-CN': '拉取代码' },
  description: {
    en: 'Checks out a branch, tag or commit of a git repository into the workspace.',
    'zh-CN': '将 Git 仓库的分支、标签或提交检出到工作区。',
  },
  aliases: ['git', 'checkout', 'clone', 'pull', 'repository', 'source', '克隆', '检出', '仓库'],
  params: {
    type: 'object',
    properties: {
      url: {
        type: 'string',
        minLength: 1,
        maxLength: 2048,
        examples: ['https://git.example.com/team/app.git', 'git@git.example.com:team/app.git', '/srv/git/app.git'],
        'x-widget': 'text',
        'x-order': 1,
        'x-text': {
          title: { en: 'Repository', 'zh-CN': '仓库地址' },
          help: {
            en: 'https, http, ssh, git@host:path, file or an absolute path on the agent. No passwords in the address. Empty: the repository that the run is for.',
            'zh-CN':
              '支持 https、http、ssh、git@host:path、file 或代理主机上的绝对路径。请勿在地址中写密码。留空则使用本次运行所针对的仓库。',
          },
        },
      },
      ref: {
        type: 'string',
        maxLength: 255,
        examples: ['main', 'v1.2.0', '${{ inputs.branch }}'],
        'x-widget': 'gitRef',
        'x-order': 2,
        'x-text': {
          title: { en: 'Branch, tag or commit', 'zh-CN': '分支、标签或提交' },
          help: {
            en: 'Empty: the repository’s default branch; of the repository that the run is for, the run’s commit.',
            'zh-CN': '留空则使用仓库的默认分支；若为本次运行所针对的仓库，则使用本次运行的提交。',
          },
        },
      },
      path: {
        type: 'string',
        maxLength: 1024,
        examples: ['app'],
        'x-widget': 'path',
        'x-order': 3,
        'x-text': {
          title: { en: 'Folder', 'zh-CN': '目录' },
          help: {
            en: 'Where to put the files, relative to the workspace. Empty: its root.',
            'zh-CN': '文件存放位置，相对于工作区。留空表示根目录。',
          },
        },
      },
      depth: {
        type: 'integer',
        minimum: 0,
        maximum: 1_000_000,
        default: 0,
        'x-order': 4,
        'x-text': {
          title: { en: 'Depth', 'zh-CN': '深度' },
          help: {
            en: 'How many commits of history to fetch; 1 is the quickest, 0 is all of it.',
            'zh-CN': '拉取多少个历史提交；1 最快，0 表示全部历史。',
          },
        },
      },
      submodules: {
        type: 'boolean',
        default: false,
        'x-order': 5,
        'x-text': {
          title: { en: 'Submodules', 'zh-CN': '子模块' },
          help: { en: 'Fetch submodules too, recursively.', 'zh-CN': '同时递归拉取子模块。' },
        },
      },
      clean: {
        type: 'boolean',
        default: false,
        'x-advanced': true,
        'x-order': 6,
        'x-text': {
          title: { en: 'Clean first', 'zh-CN': '先清理' },
          help: {
            en: 'Remove files that are not part of the commit, ignored ones too.',
            'zh-CN': '删除不属于该提交的文件，包括被忽略的文件。',
          },
        },
      },
      username: {
        type: 'string',
        maxLength: 255,
        examples: ['git'],
        'x-advanced': true,
        'x-order': 7,
        'x-text': {
          title: { en: 'User name', 'zh-CN': '用户名' },
          help: { en: 'For https, with the password below.', 'zh-CN': '用于 https，与下面的密码一起使用。' },
        },
      },
      passwordSecret: {
        type: 'string',
        pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$',
        examples: ['GIT_TOKEN'],
        'x-widget': 'secret',
        'x-advanced': true,
        'x-order': 8,
        'x-text': {
          title: { en: 'Password or token (secret)', 'zh-CN': '密码或令牌（机密）' },
          help: {
            en: 'The name of a project secret that holds the https password or access token.',
            'zh-CN': '保存 https 密码或访问令牌的项目机密名称。',
          },
        },
      },
      sshKeySecret: {
        type: 'string',
        pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$',
        examples: ['DEPLOY_KEY'],
        'x-widget': 'secret',
        'x-advanced': true,
        'x-order': 9,
        'x-text': {
          title: { en: 'SSH key (secret)', 'zh-CN': 'SSH 私钥（机密）' },
          help: {
            en: 'The name of a project secret that holds a private key without a passphrase.',
            'zh-CN': '保存无口令私钥的项目机密名称。',
          },
        },
      },
      knownHosts: {
        type: 'string',
        maxLength: 65_536,
        'x-widget': 'multiline',
        'x-advanced': true,
        'x-order': 10,
        'x-text': {
          title: { en: 'Known hosts', 'zh-CN': '已知主机' },
          help: {
            en: 'known_hosts lines of the ssh server. Empty: the agent’s own file; unknown hosts are refused.',
            'zh-CN': 'ssh 服务器的 known_hosts 内容。留空则使用代理主机自己的文件；未知主机会被拒绝。',
          },
        },
      },
    },
    required: [],
    additionalProperties: false,
  },
  foreign: {
    repo: 'url',
    repository: 'url',
    git: 'url',
    remote: 'url',
    address: 'url',
    branch: 'ref',
    tag: 'ref',
    commit: 'ref',
    revision: 'ref',
    version: 'ref',
    directory: 'path',
    dir: 'path',
    folder: 'path',
    'fetch-depth': 'depth',
    fetch_depth: 'depth',
    recursive: 'submodules',
    token: 'passwordSecret',
    password: 'passwordSecret',
    'ssh-key': 'sshKeySecret',
    ssh_key: 'sshKeySecret',
  },
  defaults: { depth: 1 },
  outputs: ['commit', 'ref', 'branch'],
  summary(params) {
    const name = text(params, 'url')
      .replace(/\/+$/, '')
      .replace(/\.git$/, '')
      .split(/[/:]/)
      .slice(-2)
      .filter((part) => part !== '')
      .join('/')
    const ref = text(params, 'ref')
    return [name, ref].filter((part) => part !== '').join(' @ ')
  },
  check(params) {
    const problems: ParamProblem[] = []
    const add = (field: string, said: Said | undefined) => said !== undefined && problems.push({ field, said })
    if (params.url !== undefined) add('url', gitUrlProblem(text(params, 'url')))
    add('ref', gitRefProblem(text(params, 'ref')))
    if (!isInsidePath(text(params, 'path'))) {
      add('path', say('path_inside', { param: 'path', type: 'fetch_code', example: 'app' }))
    }
    if (/[\r\n\0]/.test(text(params, 'username'))) {
      add('username', say('param_one_line', { param: 'username', type: 'fetch_code' }))
    }
    return problems
  },
  by: 'agent',
  compile(params: JsonObject, { git }) {
    const { url, ref } = sourceOf(params, git)
    return {
      by: 'agent',
      execution: {
        case: 'checkout',
        value: {
          url,
          ref,
          depth: typeof params.depth === 'number' ? params.depth : 0,
          submodules: params.submodules === true,
          path: text(params, 'path'),
          passwordSecret: text(params, 'passwordSecret'),
          username: text(params, 'username'),
          sshKeySecret: text(params, 'sshKeySecret'),
          knownHosts: text(params, 'knownHosts'),
          clean: params.clean === true,
        },
      },
    }
  },
}

/** Only a connected repository is meant without an address: anybody who starts a run may say that it is for another. */
function sourceOf(params: JsonObject, git: CompileContext['git']): { url: string; ref: string } {
  const url = text(params, 'url')
  const ref = text(params, 'ref')
  if (url !== '') return { url, ref }
  if (!git?.repositoryId || git.repository === '') {
    throw new ParamError('fetch_code', {
      field: 'url',
      said: say('fetch_no_repository', { param: 'url', type: 'fetch_code' }),
    })
  }
  return { url: git.repository, ref: ref || git.commit || git.ref }
}
