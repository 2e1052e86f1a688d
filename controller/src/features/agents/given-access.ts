// What lets jobs into repositories, kept sealed while their logs come: whichever controller takes a log knows what is to be masked in it,
// also where a forge has made it for that job alone.
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Db } from '../../platform/db.ts'
import { jobLogs } from '../runs/index.ts'
import type { SealedValues } from '../secrets/index.ts'
import type { SecretInit } from './job-book.ts'

export interface GivenAccess {
  /** Commits before it resolves: whoever is handed it afterwards cannot write it before it is known here. */
  note(jobId: string, given: SecretInit): Promise<void>
  /** Of a job, what is not in `known` (and is then), as its log may show it. */
  news(jobId: string, known: Set<string>): Promise<string[]>
  forget(jobId: string): Promise<void>
  /** What jobs were given whose logs are whole, or will never be. */
  sweep(): Promise<void>
}

export const givenSweepMs = 3_600_000

const kind = 'job access'
/** A job that is started again may be given something else: as often as that. */
const mostGiven = 16
/** Nobody brings the rest of a log after that. */
const keptMs = 30 * 24 * 3_600_000
const shortestLine = 16
const atOnce = 200

export function createGivenAccess({ db, sealedValues }: { db: Db; sealedValues: SealedValues }): GivenAccess {
  return {
    async note(jobId, given) {
      const forms = JSON.stringify(formsOf(given))
      const places = placesOf(jobId)
      for (let place = 0; place < mostGiven; place++) {
        const owner = { ownerId: places[place]!, kind }
        const kept = await sealedValues.read(db.em(), owner)
        if (kept === forms) return
        if (kept !== undefined) continue
        try {
          return await db.transaction((em) => sealedValues.add(em, owner, forms))
        } catch (error) {
          // Another controller has just given it something, too.
          if (!(error instanceof UniqueConstraintViolationException)) throw error
          place--
        }
      }
      throw new Error(`the job ${jobId} was given access too often`)
    },

    async news(jobId, known) {
      const places = placesOf(jobId).filter((place) => !known.has(place))
      const found = await sealedValues.readAll(db.em(), kind, places)
      for (const place of found.keys()) known.add(place)
      return [...found.values()].flatMap((forms) => JSON.parse(forms) as string[])
    },

    forget: (jobId) => sealedValues.remove(db.em(), placesOf(jobId)),

    async sweep() {
      const places = await sealedValues.ownersOf(db.em(), kind)
      const jobIds = [...new Set(places.map(jobOf))]
      const oldest = Date.now() - keptMs
      for (let from = 0; from < jobIds.length; from += atOnce) {
        const some = jobIds.slice(from, from + atOnce)
        const logs = new Map((await jobLogs(db, some)).map((log) => [log.jobId, log]))
        const over = some.filter((jobId) => {
          const log = logs.get(jobId)
          return !log || log.complete || (log.ended && madeAt(jobId) < oldest)
        })
        await sealedValues.remove(db.em(), over.flatMap(placesOf))
      }
    },
  }
}

/** Under which what it is given is kept. */
function placesOf(jobId: string): string[] {
  const hex = jobId.replaceAll('-', '')
  return Array.from({ length: mostGiven }, (_, place) => `${hex}-${place}`)
}

function jobOf(place: string): string {
  return place.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})-\d+$/, '$1-$2-$3-$4-$5')
}

/** Ids tell it. */
function madeAt(jobId: string): number {
  return Number.parseInt(jobId.slice(0, 13).replace('-', ''), 16)
}

/** Of a password also what HTTP makes of it; of a key each of its lines too. */
function formsOf({ value = '', git }: SecretInit): string[] {
  if (git?.sshKey)
    return [value, ...value.split('\n').filter((line) => line.length >= shortestLine && !/^-/.test(line))]
  const basic = git?.username ? [Buffer.from(`${git.username}:${value}`).toString('base64')] : []
  return [value, ...basic]
}
