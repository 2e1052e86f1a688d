// Owns the bundle that the agent's tests run: built once for all of them, because that is what runs on a host, and it starts in
// a third of the time that the sources take.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import type { TestProject } from 'vitest/node'
import options from '../rolldown.config.ts'

declare module 'vitest' {
  interface ProvidedContext {
    agentBundle: string
  }
}

export async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'ansflow-agent-bundle-'))
  const file = join(folder, 'ansflow-agent.mjs')
  await build({
    ...options,
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    output: { ...options.output, file },
  })
  project.provide('agentBundle', file)
  return () => rmSync(folder, { recursive: true, force: true })
}
