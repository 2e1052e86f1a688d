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
    /** With a kind of execution that has every phase. */
    phasedAgentBundle: string
  }
}

export async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'ansflow-agent-bundle-'))
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const bundle = async (input: string, name: string) => {
    const file = join(folder, name)
    await build({ ...options, input, cwd, output: { ...options.output, file } })
    return file
  }
  project.provide('agentBundle', await bundle('src/main.ts', 'ansflow-agent.mjs'))
  project.provide('phasedAgentBundle', await bundle('test/phased-agent.ts', 'phased-agent.mjs'))
  return () => rmSync(folder, { recursive: true, force: true })
}
