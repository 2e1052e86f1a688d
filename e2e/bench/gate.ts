// A step that waits until it is let go, so that who follows its run is there before what is measured begins.
import { existsSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '../setup/wait-for.ts'

export interface Gate {
  /** Shell text. */
  script: string
  /** Resolves when the step waits. */
  reached(): Promise<unknown>
  open(): Promise<void>
}

export async function makeGate(folder: string): Promise<Gate> {
  const own = await mkdtemp(join(folder, 'gate-'))
  const [up, go] = [join(own, 'up'), join(own, 'go')]
  return {
    script: `echo > ${up}; while [ ! -e ${go} ]; do sleep 0.02; done`,
    reached: () => waitFor(() => existsSync(up), { what: 'the step waits at its gate', timeoutMs: 30_000 }),
    open: () => writeFile(go, ''),
  }
}
