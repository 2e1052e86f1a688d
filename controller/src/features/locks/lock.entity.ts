// Who has what they must have to themselves, and who waits for it. Only what runs or waits has rows. Written with the runs' own changes
// (lock-participant.ts): the entities are the schema.
import { defineEntity, p } from '@mikro-orm/core'

const id = () => p.string().length(36)

/** Locked by whoever asks for something in the project, or gives it back. */
export const LockLineEntity = defineEntity({
  name: 'LockLine',
  tableName: 'lock_line',
  properties: {
    projectId: id().primary(),
    /** That was given. */
    lastPlace: p.integer(),
  },
})

/** One asking, of a run or of a step. */
export const LockClaimEntity = defineEntity({
  name: 'LockClaim',
  tableName: 'lock_claim',
  indexes: [{ properties: ['projectId', 'place'] }, { properties: ['untold'] }],
  properties: {
    runId: id().primary(),
    /** The engine's LockHolder. */
    holder: p.string().length(80).primary(),
    projectId: id(),
    /** Among all of the project: the lower comes first, for everything that both want. */
    place: p.integer(),
    runNumber: p.integer(),
    pipelineName: p.string().length(255),
    /** Empty: the run itself. */
    stepName: p.string().length(255),
    /** It has all that it wants. */
    given: p.boolean(),
    /** JSON of Hindrance: what it waits for, or what takes its place. */
    ahead: p.text().nullable(),
    /** It will not get its turn. */
    superseded: p.boolean(),
    /** Counts its changes. */
    changes: p.integer(),
    /** The run has not heard of the last one yet. */
    untold: p.boolean(),
  },
})

/** What a claim wants. */
export const LockWantEntity = defineEntity({
  name: 'LockWant',
  tableName: 'lock_want',
  indexes: [{ properties: ['projectId', 'place'] }],
  properties: {
    projectId: id().primary(),
    /** SHA-256 of kind and name. */
    lockKey: p.string().length(64).primary(),
    place: p.integer().primary(),
    kind: p.string().length(16),
    name: p.string().length(255),
    /** So many who want it have it at once, as this claim sees it. */
    most: p.integer(),
  },
})
