// The machine without AnsFlow: a small Node process, since starting processes costs the more the larger the starter is. It knows
// nothing but Node, and does what it is asked for by messages { id, task, words }.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'

const tasks = { stamps, sequence, wide, copy, serve, lines, nodes }
process.on('message', async ({ id, task, words }) => {
  try {
    process.send({ id, result: await tasks[task](words) })
  } catch (error) {
    process.send({ id, error: String(error.stack ?? error) })
  }
})
process.on('disconnect', () => process.exit())

const now = () => performance.timeOrigin + performance.now()

/** Its output comes by pipes, as a step's. */
async function sh(script, ...args) {
  const child = spawn('sh', ['-c', script, 'sh', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.on('data', (data) => {
    text += data
  })
  child.stderr.resume()
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`"${script}" ended with ${code}.`)
  return text
}

/** From the call to the process that runs. */
async function stamps({ count }) {
  const samples = []
  for (let i = 0; i < count; i++) {
    const began = now()
    samples.push(Number(await sh('date +%s%N')) / 1e6 - began)
  }
  return samples
}

async function sequence({ count }) {
  return timed(count, async () => {
    for (let i = 0; i < count; i++) await sh('true')
  })
}

async function wide({ count, width }) {
  let left = count
  const lane = async () => {
    while (left-- > 0) await sh('true')
  }
  return timed(count, () => Promise.all(Array.from({ length: width }, lane)))
}

async function timed(count, work) {
  const [began, busy] = [now(), processorMs()]
  await work()
  return { ms: (now() - began) / count, processorMs: (processorMs() - busy) / count }
}

/** Of this process and all that it has started and that has ended; the kernel counts in hundredths of a second. */
function processorMs() {
  const text = readFileSync('/proc/self/stat', 'latin1')
  const [user, system, ...children] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
  return [user, system, ...children].reduce((sum, ticks) => sum + Number(ticks), 0) * 10
}

/** Until it is on the disk. */
async function copy({ from, to }) {
  const began = now()
  await sh('cat "$1" > "$2" && sync "$2"', from, to)
  return now() - began
}

/** Answers the port; serves until this process ends. */
async function serve({ file }) {
  const server = createServer((_request, response) => createReadStream(file).pipe(response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}

/** Each line goes from a shell by a pipe to here, and from here by TCP to who asked. */
async function lines({ script, port }) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.setNoDelay()
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  child.stdout.on('data', (data) => socket.write(data))
  await once(child, 'close')
  socket.end()
  await once(socket, 'close')
}

/** A Node that does nothing: until it is there, and its memory then. */
async function nodes({ count }) {
  const samples = []
  for (let i = 0; i < count; i++) {
    const began = now()
    const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1e6)'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await once(child.stdout, 'data')
    const ms = now() - began
    const kib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))[1])
    child.kill('SIGKILL')
    await once(child, 'close')
    samples.push({ ms, mb: kib / 1024 })
  }
  return samples
}
