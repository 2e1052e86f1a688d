// One run and the bare processes of it, in turns: how long each took, and how busy the processors were.
import type { System } from '../../setup/system.ts'
import { quiet, runToEnd, used } from '../context.ts'
import type { Spawned } from '../floor/floor.ts'
import { now } from '../now.ts'
import { median } from '../statistics.ts'

export interface Work {
  /** Of one step. */
  ms: number
  floorMs: number
  /** Of one step: processor time of the controller, of the agent with the step's own processes, and of a bare process. */
  controllerMs: number
  agentMs: number
  bareMs: number
}

interface Rounds {
  rounds: number
  steps: number
  floor(): Promise<Spawned>
}

export async function work(system: System, pipelineId: string, { rounds, steps, floor }: Rounds): Promise<Work> {
  const all: Work[] = []
  for (let round = 0; round < rounds; round++) {
    await quiet(system)
    const bare = await floor()
    const before = used(system)
    const began = now()
    await runToEnd(system, pipelineId)
    const ms = (now() - began) / steps
    // What is put off until after the run is work for it too.
    await quiet(system)
    const after = used(system)
    all.push({
      ms,
      floorMs: bare.ms,
      controllerMs: (after.controllerMs - before.controllerMs) / steps,
      agentMs: (after.agentMs - before.agentMs) / steps,
      bareMs: bare.processorMs,
    })
  }
  const middle = (of: keyof Work) => median(all.map((one) => one[of]))
  return {
    ms: middle('ms'),
    floorMs: middle('floorMs'),
    controllerMs: middle('controllerMs'),
    agentMs: middle('agentMs'),
    bareMs: middle('bareMs'),
  }
}

/** What we optimise: the work of a step, wherever it is done. */
export const processorFigures = {
  controller: { what: 'processor time of the controller, per step', unit: 'ms', better: 'less' },
  agent: { what: 'processor time of agent and step, per step', unit: 'ms', better: 'less' },
} as const

export function processorReadings({ controllerMs, agentMs, bareMs }: Work) {
  return { controller: { value: controllerMs }, agent: { value: agentMs, floor: bareMs } }
}
