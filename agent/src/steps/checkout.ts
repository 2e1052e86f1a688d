// Owns the execution kind "checkout": real git, run as the job's process, with credentials that only it can see.
import { mkdirSync, writeFileSync } from 'node:fs'
import { programOn } from '../host.ts'
import { JobProcess } from '../job/job-process.ts'
import type { JobFolder } from '../job/journal.ts'
import type { CommandContext, StepCommand } from '../job/prepare-launch.ts'
import { madeWithin } from '../job/workspace.ts'
import { quoted } from '../process/wrapper.ts'
import { ASKPASS_SCRIPT, CHECKOUT_SCRIPT, GIT_CONFIG } from './checkout-script.ts'
import { checkGitRef, type GitSource, parseGitUrl } from './git-source.ts'
import type { ExecutionOf, StepKind } from './step-kind.ts'

type Checkout = ExecutionOf<'checkout'>

/** Entries of the step's own that would change which programs and settings git uses. */
const STEERS_GIT = /^(GIT_|SSH_|LD_|AF_|EDITOR$|VISUAL$|PAGER$)/

export const checkout: StepKind<'checkout'> = {
  outputs: ['commit', 'ref', 'branch'],
  main: (execution, folder) => new JobProcess(folder, (context) => command(execution, context)),
}

function command(execution: Checkout, context: CommandContext): StepCommand {
  const { folder, workspace, env, base, give } = context
  const source = parseGitUrl(execution.url)
  const ref = checkGitRef(execution.ref)
  // The host's own git: a PATH of the pipeline's may lead into the workspace.
  const path = base.PATH
  const shell = programOn(path, 'sh')
  if (!shell || !programOn(path, 'git')) throw new Error('git is not installed on this host.')
  const directory = madeWithin(workspace, execution.path || '.', give)

  for (const name of [...env.keys()]) if (STEERS_GIT.test(name)) env.delete(name)
  for (const name of ['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH']) if (base[name]) env.set(name, base[name])
  // Not every build of git looks at the name that other programs share.
  if (!base['GIT_SSL_CAINFO'] && base['SSL_CERT_FILE']) env.set('GIT_SSL_CAINFO', base['SSL_CERT_FILE'])
  const home = folder.stepFile('home')
  // The environment and the file of git's settings are the job's own: nothing of the host's user is used or changed.
  const settings: Record<string, string> = {
    PATH: path,
    HOME: home,
    XDG_CONFIG_HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: folder.writeForStep('gitconfig', GIT_CONFIG),
    GIT_ALLOW_PROTOCOL: source.kind === 'file' ? 'https:http:ssh:file' : 'https:http:ssh',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_PAGER: 'cat',
    GIT_EDITOR: 'false',
    GIT_SSH_VARIANT: 'ssh',
    AF_URL: source.url,
    AF_REF: ref,
    AF_DEPTH: String(execution.depth),
    AF_SUBMODULES: String(execution.submodules),
    AF_CLEAN: String(execution.clean),
    AF_DIR: directory,
    AF_SECRETS: folder.stepFile('home', 'secrets'),
  }
  mkdirSync(folder.stepFile('home', 'secrets'), { recursive: true, mode: 0o700 })
  const access = accessOf(execution, source, context)
  Object.assign(settings, httpCredentials(access, source, folder), sshSettings(access, folder))
  for (const [name, value] of Object.entries(settings)) env.set(name, value)
  return {
    argv: [shell, folder.writeForStep('checkout.sh', CHECKOUT_SCRIPT)],
    workingDirectory: directory,
  }
}

function secretNamed(name: string, { secrets }: CommandContext): string {
  const secret = secrets.find((one) => one.name === name)
  if (!secret) throw new Error(`The secret ${JSON.stringify(name)} that the checkout names did not come with the job.`)
  return secret.value
}

interface Access {
  /** Of http. */
  password?: { value: string; username: string }
  /** Of ssh. */
  key?: string
  knownHosts: string
}

/** As the step says; a step that says nothing gets what the controller gives for the repository of its run. */
function accessOf(execution: Checkout, { kind }: GitSource, context: CommandContext): Access {
  const { passwordSecret, sshKeySecret, username, knownHosts } = execution
  const given = context.secrets.find(({ git }) => git)
  if (passwordSecret || sshKeySecret || !given?.git) {
    return {
      ...(passwordSecret && { password: { value: secretNamed(passwordSecret, context), username: username || 'git' } }),
      ...(sshKeySecret && { key: secretNamed(sshKeySecret, context) }),
      knownHosts,
    }
  }
  const { value, git } = given
  if (git.sshKey) return { ...(kind === 'ssh' && { key: value }), knownHosts: knownHosts || git.knownHosts }
  return { ...(kind === 'http' && { password: { value, username: git.username || 'git' } }), knownHosts }
}

/** The password is in a file that is gone before files are checked out: never in an argument, a URL or git's files. */
function httpCredentials({ password }: Access, source: GitSource, folder: JobFolder): Record<string, string> {
  if (!password) return {}
  if (source.kind !== 'http') throw new Error('A password needs an http or https address.')
  writeFileSync(folder.stepFile('home', 'secrets', 'password'), password.value, { mode: 0o600 })
  return {
    GIT_ASKPASS: folder.writeForStep('askpass.sh', ASKPASS_SCRIPT, 0o700),
    AF_SCHEME: source.scheme,
    AF_HOST: source.host,
    AF_ORIGIN: `${source.scheme}://${source.host}`,
    AF_USERNAME: password.username,
  }
}

/** ssh with fixed options: no settings of the host's user, and a host key that is not known is refused. */
function sshSettings({ key: privateKey, knownHosts }: Access, folder: JobFolder): Record<string, string> {
  const options = [
    '-F',
    '/dev/null',
    '-o',
    'BatchMode=yes',
    '-o',
    'StrictHostKeyChecking=yes',
    '-o',
    'ConnectTimeout=30',
  ]
  if (privateKey !== undefined) {
    const key = folder.stepFile('home', 'secrets', 'key')
    writeFileSync(key, `${privateKey.replaceAll('\r\n', '\n').trimEnd()}\n`, { mode: 0o600 })
    options.push('-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none')
  }
  if (knownHosts) {
    const file = folder.writeForStep('known_hosts', `${knownHosts.trimEnd()}\n`)
    options.push('-o', `UserKnownHostsFile=${quotedForSsh(file)}`, '-o', 'GlobalKnownHostsFile=/dev/null')
  }
  return { GIT_SSH_COMMAND: ['ssh', ...options].map(quoted).join(' ') }
}

/** Within an option, ssh splits at spaces unless the value is in double quotes. */
function quotedForSsh(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`
}
