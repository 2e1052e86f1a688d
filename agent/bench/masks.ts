// Measures what masking costs: node agent/bench/masks.ts [megabytes]. Compare within one run only.
import { randomBytes } from 'node:crypto'
import { cpus, loadavg } from 'node:os'
import { Masker } from '../src/log/mask.ts'

const MEGABYTE = 1024 * 1024
const CHUNK = 256 * 1024
const megabytes = Number(process.argv[2] ?? 100)

const secrets = Array.from({ length: 10 }, (_, i) => (i % 2 ? randomBytes(20).toString('base64') : `p@ss ${i} "w&rd'`))
const text = logText(4 * MEGABYTE)
print(`${cpus().length} CPUs, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`)
measure(`${megabytes} MB of log, ten secrets`, new Masker(secrets), repeated(text, megabytes * MEGABYTE))
measure(`${megabytes} MB of JSON log, ten secrets`, new Masker(secrets), repeated(jsonText(), megabytes * MEGABYTE))
measure(
  `${megabytes} MB in one line, ten secrets`,
  new Masker(secrets),
  repeated(Buffer.from(text.toString().replaceAll('\n', ' ')), megabytes * MEGABYTE),
)
const lines = Array.from({ length: 60_000 }, (_, i) => `::add-mask::${randomBytes(8).toString('hex')}${i}\n`)
measure('60,000 add-mask lines', new Masker(secrets), [Buffer.from(lines.join(''))])
const large = Array.from({ length: 12 }, () => `::add-mask::${randomBytes(8192).toString('hex')}\n`)
measure('twelve masks of 16 KB', new Masker(secrets), [Buffer.from(large.join(''))])
measure(
  'a mask of one letter, 512 KB of it',
  new Masker(['a'.repeat(16_000)]),
  repeated(Buffer.alloc(MEGABYTE, 'a'), MEGABYTE / 2),
)
const dumpLine = '61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n00000010  '
measure(
  'a mask of one letter, 512 KB of its dump',
  new Masker(['a'.repeat(500)]),
  repeated(Buffer.from(dumpLine.repeat(1000)), MEGABYTE / 2),
)
measure(
  'a mask of backslashes, 64 KB of them',
  new Masker(['\\'.repeat(200)]),
  repeated(Buffer.alloc(MEGABYTE, '\\'), 65536),
)

function measure(name: string, masker: Masker, pieces: Iterable<Buffer>): void {
  const begin = process.cpuUsage()
  let longest = 0
  let bytes = 0
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += CHUNK) {
      const from = performance.now()
      masker.push(piece.subarray(at, at + CHUNK))
      longest = Math.max(longest, performance.now() - from)
    }
    bytes += piece.length
  }
  const { user, system } = process.cpuUsage(begin)
  const ms = (user + system) / 1000
  const speed = (bytes / MEGABYTE / ms) * 1000
  const rss = Math.round(process.memoryUsage().rss / MEGABYTE)
  print(
    `${name.padEnd(38)} ${ms.toFixed(0)} ms, ${speed.toFixed(1)} MB/s, longest ${longest.toFixed(1)} ms, RSS ${rss} MB`,
  )
}

function* repeated(piece: Buffer, bytes: number): Generator<Buffer> {
  for (let done = 0; done < bytes; done += piece.length) yield piece.subarray(0, bytes - done)
}

function logText(bytes: number): Buffer {
  const words =
    'the build of target src/main/app.ts has finished in 3.2s with 0 errors std::vector<int> npm WARN deprecated'
  const list = words.split(' ')
  let out = ''
  for (let i = 0; out.length < bytes; i++) {
    const some = Array.from({ length: 10 }, (_, k) => list[(i * 7 + k * k) % list.length]).join(' ')
    out += `2026-01-31T10:00:00.${i % 1000}Z ${some} ${((i * 2654435761) >>> 0).toString(16)}\n`
  }
  return Buffer.from(out)
}

function jsonText(): Buffer {
  const line = (i: number) =>
    JSON.stringify({ at: i, msg: `a "quoted" word & <tag>\tC:\\path\\${i}`, inner: JSON.stringify({ a: 'b\n"c"' }) })
  return Buffer.from(`${Array.from({ length: 10_000 }, (_, i) => line(i)).join('\n')}\n`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
