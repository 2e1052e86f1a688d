// Errors arrive as ours: code, reason, violations and request id from the wire.
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { create, toBinary } from '@bufbuild/protobuf'
import { base64Encode } from '@bufbuild/protobuf/wire'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ApiError, api, onSignedOut } from './api.ts'

let answer: () => Response

beforeEach(() => {
  vi.stubGlobal('fetch', async () => answer())
})
afterEach(() => {
  vi.unstubAllGlobals()
})

function refusal(status: number, code: string, info: Parameters<typeof create<typeof ErrorInfoSchema>>[1]): Response {
  const value = base64Encode(toBinary(ErrorInfoSchema, create(ErrorInfoSchema, info)), 'std_raw')
  const body = { code, message: 'no', details: [{ type: 'ansflow.v1.ErrorInfo', value }] }
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}

it('reads the whole error', async () => {
  answer = () =>
    refusal(400, 'invalid_argument', {
      code: 'invalid_argument',
      reason: 'slug',
      requestId: 'r-1',
      violations: [{ field: 'slug', message: 'must be short' }],
    })
  const error = await api.projects.createProject({}).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ApiError)
  expect(error).toMatchObject({ code: 'invalid_argument', reason: 'slug', requestId: 'r-1' })
  expect((error as ApiError).violation('slug')?.message).toBe('must be short')
})

it('says when a session has ended, but not when signing in fails', async () => {
  const ended = vi.fn()
  onSignedOut(ended)
  answer = () => refusal(401, 'unauthenticated', { code: 'unauthenticated' })
  await expect(api.auth.login({})).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(ended).not.toHaveBeenCalled()
  await expect(api.projects.listProjects({})).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(ended).toHaveBeenCalledOnce()
})

it('calls what cannot be reached unavailable', async () => {
  answer = () => {
    throw new TypeError('Failed to fetch')
  }
  await expect(api.projects.listProjects({})).rejects.toMatchObject({ code: 'unavailable' })
})

it('turns the errors of streams too', async () => {
  answer = () => refusal(404, 'not_found', { code: 'not_found', reason: 'run_not_found' })
  const read = async () => {
    for await (const change of api.runs.watchRun({ runId: 'x' })) throw new Error(`got ${change.seq}`)
  }
  await expect(read()).rejects.toBeInstanceOf(ApiError)
})
