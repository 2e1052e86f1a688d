import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { admin, type System } from '../../setup/system.ts'
import { waitFor } from '../../setup/wait-for.ts'
import { pipelineFile, quiet } from '../context.ts'
import { LiveSocket } from '../live-socket.ts'
import { measurement } from '../measurement.ts'
import { now } from '../now.ts'
import { median } from '../statistics.ts'

const lineBytes = 100

export const log = measurement({
  name: 'log',
  what: '100 MB of log in a million lines (10 MB in short): from the step’s first moment until it is told that all is stored; then the download of it, compared byte by byte.',
  floor: '`cat` of the same bytes into a file, and its sync; a download of that file from a small Node process.',
  figures: {
    stored: { what: 'stored and readable', unit: 'MB/s', better: 'more', aim: { ratio: 0.5 } },
    download: { what: 'download', unit: 'MB/s', better: 'more' },
  },
  async run(context) {
    const system = await context.system()
    const lines = context.times(1_000_000, 100_000)
    const mb = (lines * lineBytes) / 1e6
    const [source, copied, stamp] = ['log', 'log-copy', 'log-stamp'].map((name) => join(context.folder, name))
    await pipeline(Readable.from(buildOutput(lines)), createWriteStream(source!))
    const expected = sha256(await readFile(source!))
    const { pipelineId } = await system.pipeline(
      pipelineFile('log', { a: { run: `date +%s%N > ${stamp}; cat ${source}` } }),
    )
    const bareUrl = await context.floor.serve(source!)
    const taken = { stored: [] as number[], copied: [] as number[], download: [] as number[], bare: [] as number[] }
    for (let round = 0; round < context.times(3, 1); round++) {
      await quiet(system)
      taken.copied.push((1000 * mb) / (await context.floor.copy(source!, copied!)))
      await rm(copied!)
      const runId = await system.start(pipelineId)
      const stored = await storedAt(system, runId)
      taken.stored.push((1000 * mb) / (stored - Number(await readFile(stamp!, 'utf8')) / 1e6))
      await quiet(system)
      taken.bare.push((1000 * mb) / (await download(bareUrl, {})))
      taken.download.push((1000 * mb) / (await download(`${system.url}/download/runs/${runId}/steps/a/log`, signed)))
    }

    async function download(url: string, headers: Record<string, string>): Promise<number> {
      const began = now()
      const response = await fetch(url, { headers })
      const bytes = Buffer.from(await response.arrayBuffer())
      const ms = now() - began
      if (sha256(bytes) !== expected) throw new Error(`${url} answered ${bytes.length} other bytes than were printed.`)
      return ms
    }
    return {
      stored: { value: median(taken.stored), floor: median(taken.copied) },
      download: { value: median(taken.download), floor: median(taken.bare) },
    }
  },
})

const signed = { authorization: `Bearer ${admin.token}` }

/** When somebody who follows the run hears that its log is whole. */
async function storedAt(system: System, runId: string): Promise<number> {
  let stored = 0
  await using live = await LiveSocket.open(system, {
    onEvent(kind, at) {
      if (kind.case === 'run' && kind.value.steps.some(({ attempts }) => attempts.at(-1)?.logComplete)) stored ||= at
    },
  })
  await live.subscribe(`run/${runId}`)
  await waitFor(() => stored, { what: 'the whole log is stored', timeoutMs: 300_000 })
  return stored
}

/** As compilers print: much is the same in every line, and no two lines are. */
function* buildOutput(lines: number): Generator<string> {
  let seed = 1
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed
  }
  for (let done = 0; done < lines; done += 1000) {
    let text = ''
    for (let n = done; n < done + 1000; n++) {
      const [part, file, time] = [random() % 97, random() % 9973, random() % 100_000]
      const line = `[${n + 1}/${lines}] cc -O2 -Iinclude -c src/part${part}/file${file}.c -o out/file${file}.o ${time} us ${random().toString(16)}`
      text += `${line.slice(0, lineBytes - 1).padEnd(lineBytes - 1)}\n`
    }
    yield text
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
