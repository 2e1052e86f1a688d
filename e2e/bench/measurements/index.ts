// All measurements, in the order in which they are taken.
import type { Measurement } from '../measurement.ts'
import { agents } from './agents.ts'
import { canvas } from './canvas.ts'
import { chain } from './chain.ts'
import { collab } from './collab.ts'
import { event } from './event.ts'
import { fan } from './fan.ts'
import { largeRun, lockedRun } from './large-run.ts'
import { line } from './line.ts'
import { log } from './log.ts'
import { push } from './push.ts'
import { runs } from './runs.ts'
import { sockets } from './sockets.ts'
import { start } from './start.ts'
import { trigger } from './trigger.ts'

export const measurements: Measurement[] = [
  trigger,
  chain,
  fan,
  runs,
  log,
  line,
  event,
  push,
  collab,
  canvas,
  sockets,
  start,
  agents,
  largeRun,
  lockedRun,
]
