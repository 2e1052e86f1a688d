// The live document's part of the largest inputs: documents as large as they may be, opened, joined, edited and published.
import { collabFrame } from '@ansflow/proto/collab-frame'
import { CollabMessageSchema } from '@ansflow/proto/gen/ansflow/v1/collab_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { fromBinary } from '@bufbuild/protobuf'
import * as decoding from 'lib0/decoding'
import type { WebSocket } from 'ws'
import * as Y from 'yjs'
import { documentSocket, frame } from './largest-frames.ts'
import { mustCall, yamlOf } from './largest-inputs.ts'
import type { Target } from './measured-controller.ts'

const { applyPipeline, publishPipeline } = PipelineService.method

let made = 0

export async function makeLargest(t: Target, publish = false): Promise<string> {
  made += 1
  const yaml = yamlOf(10_000).replace('name: p', `name: largest ${process.pid} ${made}`)
  const answer = await mustCall(t, applyPipeline, { projectId: t.projectId, yaml, publish })
  return (answer as { pipeline: { id: string } }).pipeline.id
}

/** Until the server says something of this kind. */
function heard(socket: WebSocket, isIt: (bytes: Uint8Array) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('message', (data: Buffer) => isIt(data) && resolve())
    socket.on('close', (code: number) => reject(new Error(`The document was closed with ${code}.`)))
  })
}

const isState = ([type, step]: Uint8Array) => type === 0 && step === 1

function settles(count: number) {
  return (bytes: Uint8Array): boolean => {
    const decoder = decoding.createDecoder(bytes)
    if (decoding.readVarUint(decoder) !== collabFrame) return false
    const { kind } = fromBinary(CollabMessageSchema, decoding.readVarUint8Array(decoder))
    return kind.case === 'stored' && kind.value.settled === count
  }
}

async function join(t: Target, pipelineId: string, token: string): Promise<WebSocket> {
  const socket = await documentSocket(t, pipelineId, token)
  const state = heard(socket, isState)
  socket.send(frame(0, 0, new Uint8Array([0])))
  await state
  return socket
}

/** Resolves when it is stored. */
async function edit(socket: WebSocket): Promise<void> {
  const doc = new Y.Doc()
  doc.getMap('notes').set('n', 1)
  const stored = heard(socket, settles(1))
  socket.send(frame(0, 2, Y.encodeStateAsUpdate(doc)))
  await stored
}

async function useDocument(t: Target, pipelineId: string): Promise<void> {
  const editor = await join(t, pipelineId, t.attacker.token)
  const others = await Promise.all([1, 2, 3].map(() => join(t, pipelineId, t.viewer.token)))
  await edit(editor)
  await mustCall(t, publishPipeline, { pipelineId })
  for (const socket of [editor, ...others]) socket.terminate()
}

export const documentInputs: Record<string, (target: Target) => Promise<unknown>> = {
  'the largest document, opened, joined, edited and published': async (t) => useDocument(t, await makeLargest(t)),
  'a file of 10,000 steps, applied to a draft that is open': async (t) => {
    const pipelineId = await makeLargest(t)
    const editor = await join(t, pipelineId, t.attacker.token)
    const yaml = yamlOf(10_000)
      .replace('name: p', `name: largest ${process.pid} ${made}`)
      .replaceAll('"true"', '"false"')
    await mustCall(t, applyPipeline, { projectId: t.projectId, yaml })
    editor.terminate()
  },
  'a log of 50,000 changes, opened, joined, edited and published': async (t) => {
    const pipelineId = t.longLogs.shift()
    if (pipelineId === undefined) throw new Error('All long logs were opened.')
    await useDocument(t, pipelineId)
  },
}
