// The agent as one file, for hosts that are about to get one. It holds nothing secret, so nobody has to sign in for it.
import { readFile } from 'node:fs/promises'
import { notFound } from '@ansflow/proto/errors'
import type { Route } from '../../transport/routes.ts'

export function agentDownload(file: string): Route {
  return {
    path: '/download/agent/ansflow-agent.mjs',
    access: 'public',
    async handle() {
      const body = await readFile(file).catch(() => {
        throw notFound('agent bundle', 'ansflow-agent.mjs')
      })
      return { contentType: 'text/javascript; charset=utf-8', fileName: 'ansflow-agent.mjs', size: body.length, body }
    },
  }
}
