// All measurements, in the order in which they are taken.
import type { Measurement } from '../measurement.ts'
import { chain } from './chain.ts'
import { event } from './event.ts'
import { fan } from './fan.ts'
import { line } from './line.ts'
import { runs } from './runs.ts'
import { trigger } from './trigger.ts'

export const measurements: Measurement[] = [trigger, chain, fan, runs, line, event]
