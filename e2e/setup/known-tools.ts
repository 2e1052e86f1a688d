// What an agent's host has, known before its first start. It would ask a dozen programs for their versions, Maven and npm among them,
// which takes the processor longer than the agent's own start; that it does is shown in agent/test/host-tools.test.ts.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const tools = { git: '2.47.3', bash: '5.2.37', node: '24.11.1', npm: '11.6.2', python3: '3.13.5', make: '4.4.1' }

/** Before the agent of this data folder starts. What it has found by itself stays. */
export function knowTools(agentFolder: string): void {
  const file = join(agentFolder, 'tools.json')
  if (existsSync(file)) return
  mkdirSync(agentFolder, { recursive: true, mode: 0o700 })
  writeFileSync(file, JSON.stringify(tools), { mode: 0o600 })
}
