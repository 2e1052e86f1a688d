// The two commands on a fresh machine: `npm start` and `npm test`. Runs under any Node from 20 on, needs nothing installed:
// fetches the pinned Node and pnpm where the machine's are too old, installs the dependencies, hands over to deploy/dev/.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const command = process.argv[2]
const commands = ['start', 'test', 'check', 'exec']
if (!commands.includes(command)) fail(`Usage: node scripts/dev.mjs ${commands.join(' | ')}`)

const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace(/[^\d.]/g, '')
const env = cleanEnvironment(process.env)
if (command === 'start') {
  // What a step of the local agent finds must be the host's, without what npm and we put in front.
  env.ANSFLOW_HOST_PATH = hostPath(process.env)
  hideSecrets()
}
const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, process.env.npm_execpath] : ['npm']

/** The program that runs right now; what ends us ends it first. */
let running
let handedOver = false
let interruption
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt)
// npm passes signals on (its script says `exec`, or a shell between us would keep them), but not its own sudden end.
const parent = process.ppid
if (process.env.npm_lifecycle_event) setInterval(() => process.ppid === parent || orphaned(), 500).unref()

const nodeDir = newEnough(process.versions.node) ? dirname(process.execPath) : await fetchedNode()
const pnpmDir = await fetchedPnpm()
env.PATH = [nodeDir, pnpmDir, env.PATH].join(delimiter)
await installDependencies()
await handOver()

function interrupt(signal) {
  interruption = signal
  if (!running) process.exit(interrupted(signal))
  running.kill(signal)
  // npm waits for the network even then. Nothing that it leaves half done counts as installed.
  if (!handedOver) setTimeout(() => running?.kill('SIGKILL'), 2000)
}

/** Whoever started us is gone. The product learns of our end by its channel, and its steps outlive it as always. */
function orphaned() {
  if (handedOver && command === 'start') process.exit(1)
  if (!interruption) interrupt('SIGTERM')
}

function newEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  const [wantMajor, wantMinor] = wanted.split('.').map(Number)
  return major > wantMajor || (major === wantMajor && minor >= wantMinor)
}

async function fetchedNode() {
  const what = `Node ${wanted} or newer (this is ${process.versions.node})`
  const remedy = `install Node ${wanted} or newer from nodejs.org`
  const name = `node-${process.platform}-${process.arch}`
  if (isOffered('node', name)) return dirname(await fetched('node', join(name, 'bin', 'node'), what, remedy))
  fail(`${what} is needed, and there is none to fetch for this machine: ${remedy}, then run this again.`)
}

async function fetchedPnpm() {
  const name = `@pnpm/exe.${process.platform}-${process.arch}`
  if (isOffered('pnpm', name)) return dirname(await fetched('pnpm', join(name, 'pnpm'), 'pnpm 12', 'install it'))
  const found = spawnSync('pnpm', ['--version'], { encoding: 'utf8', env })
  if (found.status === 0 && Number(found.stdout.split('.')[0]) >= 12) return nodeDir
  fail('pnpm 12 is needed, and there is none to fetch for this machine: install it, then run this again.')
}

function isOffered(tool, name) {
  return name in JSON.parse(readFileSync(join(root, 'tools', tool, 'package.json'), 'utf8')).optionalDependencies
}

/** Installs tools/<tool> by its lockfile unless that was done already; answers the wanted program of it. */
async function fetched(tool, program, what, remedy) {
  const dir = join(root, 'tools', tool)
  const file = join(dir, 'node_modules', program)
  const stamp = join(dir, 'node_modules', '.installed')
  await once(stamp, [join(dir, 'package-lock.json')], `fetching ${what}`, async () => {
    const quick = ['--fetch-retry-mintimeout=500', '--fetch-retry-factor=3']
    const code = await run([...npm, 'ci', '--no-audit', '--no-fund', '--loglevel=error', ...quick], dir)
    // Packages for one platform are optional to npm, so that it is content without them.
    if (code === 0 && existsSync(file)) return
    const registry = spawnSync(npm[0], [...npm.slice(1), 'config', 'get', 'registry'], { encoding: 'utf8', env })
    const from = registry.status === 0 ? ` (${registry.stdout.trim()})` : ''
    const check = "Check the network or npm's registry setting"
    fail(`${what} could not be fetched from the npm registry${from}. ${check}, or ${remedy}, then run this again.`)
  })
  return file
}

async function installDependencies() {
  const inputs = [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    ...['proto', 'engine', 'controller', 'agent', 'web', 'e2e'].map((p) => `${p}/package.json`),
  ]
  await once(
    join(root, 'node_modules', '.installed'),
    inputs.map((file) => join(root, file)),
    'installing dependencies',
    async () => {
      const options = ['--frozen-lockfile', '--prefer-offline', '--reporter=append-only', '--loglevel=warn']
      if ((await run(['pnpm', 'install', ...options], root)) !== 0)
        fail('The dependencies could not be installed; the lines above say why.')
    },
  )
}

/** Runs `work` unless the stamp says it was done for just these input files. */
async function once(stamp, inputs, what, work) {
  const hash = createHash('sha256')
  for (const file of inputs) hash.update(readFileSync(file))
  hash.update(process.platform + process.arch)
  const digest = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  const began = Date.now()
  const seconds = () => ((Date.now() - began) / 1000).toFixed(1)
  say(`${what} …`)
  const still = setInterval(() => say(`${what}: still at it after ${seconds()} s`), 20_000)
  await work()
  clearInterval(still)
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, digest)
  say(`${what}: done in ${seconds()} s`)
}

/** To the program's end; answers its exit code. When we are told to end, so is it, and then we do. */
function run([program, ...args], cwd, options = { stdio: ['ignore', 'inherit', 'inherit'] }) {
  return new Promise((resolve) => {
    running = spawn(program, args, { cwd, env, ...options })
    running.on('error', (error) => fail(`${program} could not be started: ${error.message}.`))
    running.on('exit', (code, signal) => {
      running = undefined
      if (interruption && !handedOver) process.exit(interrupted(interruption))
      resolve(signal ? interrupted(signal) : (code ?? 1))
    })
  })
}

async function handOver() {
  const program =
    command === 'exec'
      ? process.argv.slice(3)
      : [join(nodeDir, 'node'), join(root, 'deploy', 'dev', `${command}.ts`), ...process.argv.slice(3)]
  handedOver = true
  // A group of its own, so that Ctrl-C reaches it once, by us, and not a second time from the terminal.
  const detached = command === 'start' || command === 'test'
  // By the channel it learns of our end, whatever ends us.
  const channel = command === 'start' ? ['ipc'] : []
  process.exit(await run(program, root, { stdio: ['inherit', 'inherit', 'inherit', ...channel], detached }))
}

/** The exit code by which shells know that a signal was the reason. */
function interrupted(signal) {
  return 128 + constants.signals[signal]
}

/** npm's own variables would steer the tools we start; the user's registry, certificates and proxies stay. */
function cleanEnvironment(from) {
  const keep = /^npm_config_(registry|cafile|ca|proxy|https_proxy|noproxy|cache|userconfig|.*_auth.*)$/i
  return Object.fromEntries(
    Object.entries(from).filter(([name]) => !/^npm_(config|package|lifecycle)_/i.test(name) || keep.test(name)),
  )
}

/** npm puts the node_modules/.bin of this folder and of all above it in front, and a folder of its own. */
function hostPath({ PATH = '', npm_lifecycle_event }) {
  const folders = PATH.split(delimiter)
  const isNpms = (folder) =>
    basename(folder) === 'node-gyp-bin' ||
    (folder.endsWith(join('node_modules', '.bin')) && `${root}/`.startsWith(join(folder, '../..', '/')))
  while (npm_lifecycle_event && folders.length > 1 && isNpms(folders[0])) folders.shift()
  return folders.join(delimiter)
}

/** Like controller/src/platform/environment.ts, which this Node may be too old to read: see there. */
function hideSecrets() {
  const secret = /^ANSFLOW_(ADMIN_\w+|\w*(KEY|TOKEN|URL))=/
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    let at = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[47])
    const memory = openSync('/proc/self/mem', 'r+')
    for (const entry of readFileSync('/proc/self/environ', 'latin1').split('\0')) {
      if (secret.test(entry)) writeSync(memory, Buffer.alloc(entry.length), 0, entry.length, at)
      at += entry.length + 1
    }
    closeSync(memory)
  } catch {
    // Not Linux, or a system that does not allow it.
  }
}

function say(text) {
  process.stdout.write(`ansflow: ${text}\n`)
}

function fail(sentence) {
  process.stderr.write(`ansflow: ${sentence}\n`)
  process.exit(1)
}
