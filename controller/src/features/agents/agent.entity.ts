// An agent: a program on a build host that this organization lets run its jobs.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const AgentEntity = defineEntity({
  name: 'Agent',
  tableName: 'agent',
  properties: {
    id: p.string().length(36).primary(),
    organizationId: p.string().length(36).index(),
    name: p.string().length(128),
    /** Keyed hash of the identity it got when it registered. */
    secretHash: p.string().length(64).unique(),
    /** What it says of itself, separated by spaces; what people gave it is AgentLabel. */
    labels: p.string().length(2000),
    capabilities: p.string().length(500),
    slots: p.integer(),
    version: p.string().length(64),
    /** HostFacts and HostLoad in protobuf's JSON. */
    host: p.text(),
    load: p.text().nullable(),
    /** A person wants it to take no new jobs. */
    draining: p.boolean(),
    /** It takes jobs of untrusted runs too. */
    takesUntrusted: p.boolean().default(false),
    /** The control stream that speaks for it; a newer one takes its place. */
    sessionId: p.string().length(36).nullable(),
    /** The processes that spoke for it: see instances.ts. */
    instances: p.string().length(400).default(''),
    /** Which of the latest's hellos was heard last; 0: they are not counted. */
    helloNumber: p.integer().default(0),
    /** Since when the latest of them does. */
    instanceSince: p.datetime(3).nullable(),
    /** Since when two processes are known to use its identity; until it is renewed. */
    doubledAt: p.datetime(3).nullable(),
    /** It stopped by itself with nothing left to do. */
    leftAt: p.datetime(3).nullable(),
    lastSeenAt: p.datetime(3).nullable(),
    registeredAt: p.datetime(3),
  },
})

export type AgentRow = InferEntity<typeof AgentEntity>
