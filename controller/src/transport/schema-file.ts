// The JSON Schema of pipeline files, for editors: it says what any clone of this program says, to everybody.
import { createHash } from 'node:crypto'
import { pipelineJsonSchema } from '@ansflow/proto/json-schema'
import type { FastifyInstance } from 'fastify'

export const schemaPath = '/schema/pipeline.json'

export function registerSchema(http: FastifyInstance): void {
  const text = JSON.stringify(pipelineJsonSchema())
  const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
  http.get(schemaPath, async (request, reply) => {
    reply.headers({
      etag: tag,
      'cache-control': 'no-cache',
      // Editors in a browser read it from another address.
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    })
    if (request.headers['if-none-match'] === tag) return reply.code(304).send()
    return reply.type('application/schema+json').send(text)
  })
}
