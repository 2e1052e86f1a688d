// The waiting lines of one project, while its row of `lock_line` is locked: who is in them, and whose turn it is. A claim has its turn when
// fewer than `most` are before it in each of its lines. Places grow, so of two claims one is first wherever they meet: whoever is first of
// all waits for nobody, and no two wait for each other.
import type { Ahead } from '@ansflow/engine/locks'
import { limits } from '@ansflow/proto/limits'
import type { Kysely } from 'kysely'
import { type ClaimRow, type Hindrance, type LockTables, type WantRow, wantOf } from './lock-tables.ts'

type Place = number
type Entry = Pick<WantRow, 'lock_key' | 'place'>

export class LockQueue {
  /** Claims that are other than before, by their place. */
  readonly changed = new Map<Place, ClaimRow>()
  private readonly tables: Kysely<LockTables>
  private readonly projectId: string
  private readonly claims = new Map<Place, ClaimRow>()
  /** The first of each line, as many as can have their turn. */
  private readonly lines = new Map<string, { place: Place; most: number }[]>()
  private readonly wants = new Map<Place, WantRow[]>()
  /** Of claims that have just come: who came before them in a line. */
  private readonly before = new Map<string, Place>()
  private fresh: { claim: ClaimRow; wants: readonly WantRow[] }[] = []
  private readonly look = new Set<Place>()
  private readonly unwritten = new Set<ClaimRow>()

  constructor(tables: Kysely<LockTables>, projectId: string) {
    this.tables = tables
    this.projectId = projectId
  }

  /** Behind all that have come so far; written with the next that happens. */
  join(claim: ClaimRow, wants: readonly WantRow[]): void {
    this.fresh.push({ claim, wants })
  }

  /** A step with a thousand copies asks a thousand times in one commit. */
  async write(): Promise<void> {
    const { fresh, tables } = this
    this.fresh = []
    const last = new Map<string, Place>()
    for (const { claim, wants } of fresh) {
      const { place } = claim
      this.claims.set(place, claim)
      this.wants.set(place, [...wants])
      this.look.add(place)
      for (const { lock_key } of wants) {
        const earlier = last.get(lock_key)
        if (earlier !== undefined) this.before.set(`${lock_key} ${place}`, earlier)
        last.set(lock_key, place)
        this.lines.delete(lock_key)
      }
    }
    const claims = fresh.map(({ claim }) => claim)
    const wants = fresh.flatMap((each) => [...each.wants])
    for (const rows of chunks(claims)) await tables.insertInto('lock_claim').values(rows).execute()
    for (const rows of chunks(wants)) await tables.insertInto('lock_want').values(rows).execute()
  }

  /** Whoever comes next may have their turn then. */
  async leave(runId: string, holders: readonly string[]): Promise<void> {
    await this.write()
    const { tables, projectId } = this
    const left = new Map<string, Place[]>()
    for (const some of chunks(holders)) {
      const claims = tables.selectFrom('lock_claim').select('place').where('run_id', '=', runId)
      const places = (await claims.where('holder', 'in', some).execute()).map(({ place }) => place)
      if (places.length === 0) continue
      const wants = tables.selectFrom('lock_want').select(['lock_key', 'place']).where('project_id', '=', projectId)
      for (const { lock_key, place } of await wants.where('place', 'in', places).execute()) {
        left.set(lock_key, [...(left.get(lock_key) ?? []), place])
      }
      await tables.deleteFrom('lock_want').where('project_id', '=', projectId).where('place', 'in', places).execute()
      await tables.deleteFrom('lock_claim').where('run_id', '=', runId).where('holder', 'in', some).execute()
      for (const place of places) this.forget(place)
    }
    this.before.clear()
    for (const [lock_key, places] of left) await this.lookBehind(lock_key, places)
  }

  private forget(place: Place): void {
    for (const known of [this.claims, this.wants, this.changed]) known.delete(place)
    this.look.delete(place)
  }

  private async lookBehind(lock_key: string, places: readonly Place[]): Promise<void> {
    this.lines.delete(lock_key)
    for (const [before, each] of (await this.first(lock_key)).entries())
      if (before < each.most) this.look.add(each.place)
    let behind: Place | undefined = 0
    for (const place of places.toSorted((a, b) => a - b)) {
      // Of those that stood next to each other, the same one is behind.
      if (behind === undefined) return
      if (place < behind) continue
      behind = await this.neighbour({ lock_key, place }, 'after')
      if (behind !== undefined) this.look.add(behind)
    }
  }

  /** Whether one of these runs, which wait for the claim's, is in one of its lines: with others that wait so, all could wait for ever. */
  async refuse(place: Place, wants: readonly WantRow[], runIds: readonly string[]): Promise<boolean> {
    if (runIds.length === 0) return false
    const keys = wants.map(({ lock_key }) => lock_key)
    const before = await this.tables
      .selectFrom('lock_want as want')
      .innerJoin('lock_claim as claim', (join) =>
        join.onRef('claim.project_id', '=', 'want.project_id').onRef('claim.place', '=', 'want.place'),
      )
      .select(['want.lock_key', 'claim.place'])
      .where('want.project_id', '=', this.projectId)
      .where('want.lock_key', 'in', keys)
      .where('claim.holder', '=', '')
      .where('claim.run_id', 'in', [...runIds])
      .executeTakeFirst()
    if (!before) return false
    const [claim, other] = await this.read([place, before.place])
    const want = wants.find(({ lock_key }) => lock_key === before.lock_key)
    if (!claim || !other || !want) return false
    const refused: Hindrance = { want: wantOf(want), ahead: whoIs(other), circle: true }
    this.change(claim, { superseded: 1, ahead: JSON.stringify(refused) })
    return true
  }

  /** Those before the place in the line that have not heard of it yet: they make room. */
  async supersede({ lock_key, place }: Entry, which: 'waiting' | 'all', by: Hindrance): Promise<void> {
    const { tables, projectId } = this
    let query = tables
      .selectFrom('lock_want as want')
      .innerJoin('lock_claim as claim', (join) =>
        join.onRef('claim.project_id', '=', 'want.project_id').onRef('claim.place', '=', 'want.place'),
      )
      .select('claim.place')
      .where('want.project_id', '=', projectId)
      .where('want.lock_key', '=', lock_key)
      .where('want.place', '<', place)
      .where('claim.superseded', '=', 0)
    if (which === 'waiting') query = query.where('claim.given', '=', 0)
    const found = (await query.execute()).map((row) => row.place)
    for (const claim of await this.read(found)) this.change(claim, { superseded: 1, ahead: JSON.stringify(by) })
  }

  /** Gives their turns to those who have it now, and notes for the others who is before them. Called after each change of the lines. */
  async settle(): Promise<void> {
    await this.write()
    while (this.look.size > 0) {
      const places = [...this.look].sort((a, b) => a - b)
      this.look.clear()
      await this.read(places)
      await this.readWants(places)
      for (const place of places) await this.decide(place, this.wants.get(place) ?? [])
    }
    for (const { run_id, holder, given, ahead, superseded, changes, untold } of this.unwritten) {
      await this.tables
        .updateTable('lock_claim')
        .set({ given, ahead, superseded, changes, untold })
        .where('run_id', '=', run_id)
        .where('holder', '=', holder)
        .execute()
    }
    this.unwritten.clear()
  }

  private async decide(place: Place, wants: readonly WantRow[]): Promise<void> {
    const claim = this.claims.get(place)
    if (!claim || claim.given || claim.superseded) return
    for (const want of wants) {
      const before = (await this.first(want.lock_key)).findIndex((each) => each.place === place)
      if (before >= 0 && before < want.most) continue
      const ahead = JSON.stringify(await this.aheadOf(want))
      if (ahead !== claim.ahead) this.change(claim, { ahead })
      return
    }
    this.change(claim, { given: 1, ahead: null })
    for (const want of wants) {
      const behind = await this.neighbour(want, 'after')
      if (behind !== undefined) this.look.add(behind)
    }
  }

  private async aheadOf(want: WantRow): Promise<Hindrance | undefined> {
    const place = this.before.get(`${want.lock_key} ${want.place}`) ?? (await this.neighbour(want, 'before'))
    const [before] = place === undefined ? [] : await this.read([place])
    if (!before) return undefined
    return { want: wantOf(want), ahead: whoIs(before) }
  }

  private change(claim: ClaimRow, columns: Partial<ClaimRow>): void {
    const counted = this.changed.has(claim.place) ? claim.changes : claim.changes + 1
    Object.assign(claim, columns, { changes: counted, untold: 1 })
    this.changed.set(claim.place, claim)
    this.unwritten.add(claim)
  }

  private async read(places: readonly Place[]): Promise<ClaimRow[]> {
    const missing = places.filter((place) => !this.claims.has(place))
    for (const some of chunks(missing)) {
      const rows = await this.tables
        .selectFrom('lock_claim')
        .selectAll()
        .where('project_id', '=', this.projectId)
        .where('place', 'in', some)
        .execute()
      for (const row of rows) this.claims.set(row.place, row)
    }
    return places.flatMap((place) => this.claims.get(place) ?? [])
  }

  private async readWants(places: readonly Place[]): Promise<void> {
    for (const some of chunks(places.filter((place) => !this.wants.has(place)))) {
      const rows = await this.tables
        .selectFrom('lock_want')
        .selectAll()
        .where('project_id', '=', this.projectId)
        .where('place', 'in', some)
        .orderBy('name')
        .execute()
      for (const [place, wants] of Map.groupBy(rows, (row) => row.place)) this.wants.set(place, wants)
    }
  }

  private async first(lock_key: string): Promise<{ place: Place; most: number }[]> {
    const known = this.lines.get(lock_key)
    if (known) return known
    const rows = await this.tables
      .selectFrom('lock_want')
      .select(['place', 'most'])
      .where('project_id', '=', this.projectId)
      .where('lock_key', '=', lock_key)
      .orderBy('place')
      .limit(limits.runsOfAGroup)
      .execute()
    this.lines.set(lock_key, rows)
    return rows
  }

  private async neighbour({ lock_key, place }: Entry, side: 'before' | 'after'): Promise<Place | undefined> {
    const row = await this.tables
      .selectFrom('lock_want')
      .select('place')
      .where('project_id', '=', this.projectId)
      .where('lock_key', '=', lock_key)
      .where('place', side === 'before' ? '<' : '>', place)
      .orderBy('place', side === 'before' ? 'desc' : 'asc')
      .limit(1)
      .executeTakeFirst()
    return row?.place
  }
}

export function whoIs({ run_id, run_number, pipeline_name, step_name, given }: ClaimRow): Ahead {
  return { runId: run_id, number: run_number, pipeline: pipeline_name, step: step_name, waits: !given }
}

const rowsAtOnce = 100

function chunks<T>(rows: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(rows.length / rowsAtOnce) }, (_, n) => {
    return rows.slice(n * rowsAtOnce, (n + 1) * rowsAtOnce)
  })
}
