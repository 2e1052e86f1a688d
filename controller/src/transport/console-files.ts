// The console's built files: hashed assets cached for ever, everything else checked, unknown paths answered by the app.

import { existsSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fastifyStatic } from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** Answers whether the request was for a page of the console. */
export type ServePage = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined

export async function registerConsole(http: FastifyInstance, folder: string): Promise<ServePage> {
  if (!existsSync(join(folder, 'index.html'))) {
    return (request, reply) => {
      if (!isPage(request)) return undefined
      return reply
        .code(503)
        .type('text/plain')
        .send('The console is not built. Run "pnpm run build", then start again.\n')
    }
  }
  await http.register(fastifyStatic, {
    root: folder,
    wildcard: true,
    preCompressed: true,
    cacheControl: false,
    setHeaders(response, path) {
      const hashed = path.includes(`${sep}assets${sep}`)
      response.setHeader('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  return (request, reply) => (isPage(request) ? reply.sendFile('index.html') : undefined)
}

function isPage(request: FastifyRequest): boolean {
  const path = request.url.split('?', 1)[0] ?? ''
  const file = path.slice(path.lastIndexOf('/') + 1)
  return (request.method === 'GET' || request.method === 'HEAD') && !file.includes('.')
}
