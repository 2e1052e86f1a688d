// The console's built files: hashed assets cached for ever, everything else checked; its pages are the addresses that its build
// has written down.
import { existsSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { AppError } from '@ansflow/proto/errors'
import { fastifyStatic } from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { uuidv7 } from '../platform/ids.ts'
import { sendError } from './routes.ts'

/** Answers whether the request was one for the console. */
export type ServePage = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined

export async function registerConsole(http: FastifyInstance, folder: string): Promise<ServePage> {
  const [page, routes] = [join(folder, 'index.html'), join(folder, 'routes.json')]
  if (!existsSync(page) || !existsSync(routes)) {
    return (request, reply) => {
      if (!isBrowser(request)) return undefined
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
  const html = readFileSync(page)
  const isPage = pageMatcher(JSON.parse(readFileSync(routes, 'utf8')) as string[])
  return (request, reply) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (isPage(request.url.split('?', 1)[0] ?? '')) return isRead ? reply.sendFile('index.html') : onlyRead(reply)
    // The console says so in its own words; the status tells programs.
    if (isRead && isBrowser(request))
      return reply.code(404).type('text/html').header('cache-control', 'no-cache').send(html)
    return undefined
  }
}

function isBrowser({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') ?? false
}

function onlyRead(reply: FastifyReply): FastifyReply {
  const error = new AppError('unimplemented', 'A page of the console is only read.', { reason: 'method_not_allowed' })
  return sendError(reply.header('allow', 'GET, HEAD'), error, uuidv7(), 405)
}

/** As vue-router reads them: capitals are no matter, nor a slash at the end. */
function pageMatcher(patterns: string[]): (path: string) => boolean {
  const partsOf = (path: string) => path.toLowerCase().replace(/\/$/, '').split('/')
  const pages = patterns.map(partsOf)
  return (path) => {
    const parts = partsOf(path)
    const fits = (part: string | undefined, name: string) => (name.startsWith(':') ? part !== '' : part === name)
    return pages.some((page) => page.length === parts.length && page.every((name, n) => fits(parts[n], name)))
  }
}
