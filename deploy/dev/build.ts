// Builds what runs from a build: the console and the bundles of agent and controller, each only when its sources are newer.
import { existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { controllerProgram } from './controller-node.ts'
import { step } from './progress.ts'
import { root, runCommand } from './run-command.ts'

export async function buildAll(): Promise<void> {
  await buildWhenOlder('building the console', 'web', join(root, 'web/dist/index.html'), [
    'web/src',
    'web/index.html',
    'web/vite.config.ts',
    'web/package.json',
    'proto/src',
  ])
  await buildWhenOlder('bundling the agent', 'agent', join(root, 'agent/dist/ansflow-agent.mjs'), [
    'agent/src',
    'agent/package.json',
    'proto/src',
  ])
  await buildWhenOlder('bundling the controller', 'controller', join(root, controllerProgram), [
    'controller/src',
    'controller/package.json',
    'controller/rolldown.config.ts',
    'engine/src',
    'proto/src',
  ])
}

async function buildWhenOlder(what: string, folder: string, product: string, sources: string[]): Promise<void> {
  const built = existsSync(product) ? statSync(product).mtimeMs : 0
  const newest = Math.max(...(await Promise.all(sources.map((source) => newestIn(join(root, source))))))
  if (built > newest) return
  await step(what, () => runCommand('pnpm', ['--dir', folder, 'run', 'build']))
}

async function newestIn(path: string): Promise<number> {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return Math.max(stat.mtimeMs, ...entries.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs))
}
