// The two commands on a fresh machine: `npm start` and `npm test`. Runs under any Node from 20 on, needs nothing installed:
// fetches the pinned Node and pnpm where the machine's are too old, installs the dependencies, hands over to deploy/dev/.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const command = process.argv[2]
const commands = ['start', 'test', 'check', 'exec']
if (!commands.includes(command)) fail(`Usage: node scripts/dev.mjs ${commands.join(' | ')}`)

const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace(/[^\d.]/g, '')
const env = cleanEnvironment(process.env)
const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, process.env.npm_execpath] : ['npm']

const nodeDir = newEnough(process.versions.node) ? dirname(process.execPath) : fetchedNode()
const pnpmDir = fetchedPnpm()
env.PATH = [nodeDir, pnpmDir, env.PATH].join(delimiter)
installDependencies()
handOver()

function newEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  const [wantMajor, wantMinor] = wanted.split('.').map(Number)
  return major > wantMajor || (major === wantMajor && minor >= wantMinor)
}

function fetchedNode() {
  const dir = tool('node', `Node ${wanted} or newer (this is ${process.versions.node})`)
  const bin = join(dir, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin')
  if (!existsSync(bin)) {
    fail(
      `AnsFlow needs Node ${wanted} or newer; this is ${process.versions.node}, and there is none to fetch for ${process.platform}-${process.arch}. Install Node from nodejs.org, then run this again.`,
    )
  }
  return bin
}

function fetchedPnpm() {
  const dir = tool('pnpm', 'pnpm')
  const bin = join(dir, 'node_modules', '@pnpm', `exe.${process.platform}-${process.arch}`)
  if (existsSync(bin)) return bin
  const found = spawnSync('pnpm', ['--version'], { encoding: 'utf8', env })
  if (found.status === 0 && Number(found.stdout.split('.')[0]) >= 12) return dirname(process.execPath)
  fail(`There is no pnpm to fetch for ${process.platform}-${process.arch}. Install pnpm 12, then run this again.`)
}

/** Installs tools/<name> by its lockfile unless that was done already. */
function tool(name, what) {
  const dir = join(root, 'tools', name)
  once(join(dir, 'node_modules', '.installed'), [join(dir, 'package-lock.json')], `fetching ${what}`, () =>
    run(
      [...npm, 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
      dir,
      `${what} could not be fetched from the npm registry. Check the network or npm's registry setting, then run this again.`,
    ),
  )
  return dir
}

function installDependencies() {
  const inputs = [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    ...['proto', 'controller', 'agent', 'web', 'e2e'].map((p) => `${p}/package.json`),
  ]
  once(
    join(root, 'node_modules', '.installed'),
    inputs.map((file) => join(root, file)),
    'installing dependencies',
    () =>
      run(
        ['pnpm', 'install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only', '--loglevel=warn'],
        root,
        'The dependencies could not be installed; the lines above say why.',
      ),
  )
}

/** Runs `work` unless the stamp says it was done for just these input files. */
function once(stamp, inputs, what, work) {
  const hash = createHash('sha256')
  for (const file of inputs) hash.update(readFileSync(file))
  hash.update(process.platform + process.arch)
  const digest = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  const began = Date.now()
  process.stdout.write(`ansflow: ${what} …\n`)
  work()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, digest)
  process.stdout.write(`ansflow: ${what}: done in ${((Date.now() - began) / 1000).toFixed(1)} s\n`)
}

function run([program, ...args], cwd, sentence) {
  const result = spawnSync(program, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] })
  if (result.error || result.status !== 0) fail(result.error ? `${sentence} (${result.error.message})` : sentence)
}

function handOver() {
  const [program, ...args] =
    command === 'exec'
      ? process.argv.slice(3)
      : [join(nodeDir, 'node'), join(root, 'deploy', 'dev', `${command}.ts`), ...process.argv.slice(3)]
  // A group of its own, so that Ctrl-C reaches it once, by us, and not a second time from the terminal.
  const child = spawn(program, args, { cwd: root, env, stdio: 'inherit', detached: command === 'start' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(error.message))
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
}

/** npm's own variables would steer the tools we start; the user's registry, certificates and proxies stay. */
function cleanEnvironment(from) {
  const keep = /^npm_config_(registry|cafile|ca|proxy|https_proxy|noproxy|cache|userconfig|.*_auth.*)$/i
  return Object.fromEntries(
    Object.entries(from).filter(([name]) => !/^npm_(config|package|lifecycle)_/i.test(name) || keep.test(name)),
  )
}

function fail(sentence) {
  process.stderr.write(`ansflow: ${sentence}\n`)
  process.exit(1)
}
