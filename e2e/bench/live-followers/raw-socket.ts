// The least of a WebSocket client: thousands of whole ones in one process would take longer to read than what is measured.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawSocket {
  send(text: string): void
}

const [textFrame, closeFrame, pingFrame, pongFrame] = [1, 8, 9, 10]

/** `localAddress`: a host of many, since one alone may not open so many connections. */
export async function openRawSocket(
  url: string,
  headers: Record<string, string>,
  localAddress: string,
  onText: (text: string) => void,
): Promise<RawSocket> {
  const { hostname, port, host, pathname } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), localAddress, noDelay: true })
  await once(socket, 'connect')
  const lines = {
    host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    ...headers,
  }
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET ${pathname} HTTP/1.1\r\n${text.join('')}\r\n`)
  const rest = await upgraded(socket)
  readFrames(socket, rest, (kind, data) => {
    if (kind === textFrame) onText(data.toString('latin1'))
    else if (kind === pingFrame) socket.write(frame(pongFrame, data))
    else if (kind === closeFrame) socket.destroy()
  })
  return { send: (message) => void socket.write(frame(textFrame, Buffer.from(message))) }
}

/** Answers what came after the head. */
async function upgraded(socket: Socket): Promise<Buffer> {
  let head = Buffer.alloc(0)
  for (;;) {
    const [data] = (await once(socket, 'data')) as [Buffer]
    head = Buffer.concat([head, data])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) continue
    if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(head.toString('latin1'))
    return head.subarray(end + 4)
  }
}

/** A server's frames are not masked, and ours are whole messages. */
function readFrames(socket: Socket, rest: Buffer, onFrame: (kind: number, data: Buffer) => void): void {
  let waiting = rest
  const read = (data: Buffer) => {
    waiting = waiting.length > 0 ? Buffer.concat([waiting, data]) : data
    for (;;) {
      const frame = firstFrame(waiting)
      if (!frame) return
      onFrame(frame.kind, waiting.subarray(frame.from, frame.to))
      waiting = waiting.subarray(frame.to)
    }
  }
  read(Buffer.alloc(0))
  socket.on('data', read)
}

function firstFrame(data: Buffer): { kind: number; from: number; to: number } | undefined {
  if (data.length < 2) return
  const [kind, short] = [data.readUInt8(0) & 15, data.readUInt8(1)]
  const from = short === 126 ? 4 : short === 127 ? 10 : 2
  if (data.length < from) return
  const size = short === 126 ? data.readUInt16BE(2) : short === 127 ? Number(data.readBigUInt64BE(2)) : short
  return data.length < from + size ? undefined : { kind, from, to: from + size }
}

/** A client's frames are masked; zeros are a mask too. */
function frame(kind: number, data: Buffer): Buffer {
  const length = data.length < 126 ? [0x80 | data.length] : [0x80 | 126, data.length >> 8, data.length & 255]
  return Buffer.concat([Buffer.from([0x80 | kind, ...length, 0, 0, 0, 0]), data])
}
