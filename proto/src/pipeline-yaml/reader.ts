// Reading YAML nodes with their places: every wrong node becomes a problem at its line and column.
import { type Problem, ProblemSchema, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type JsonValue } from '@bufbuild/protobuf'
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Scalar,
  visit,
} from 'yaml'
import { oddCharacter, unstorable } from '../characters.ts'
import { isTakenKey, limits } from '../limits.ts'
import { writtenNumberProblem } from '../number.ts'
import { problemOfSaid } from '../problem-text.ts'
import { suggestion } from '../suggest.ts'
import { type Got, shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'
import { foreignKeys, saidInstead } from './foreign-keys.ts'
import type { KeyTable } from './key-table.ts'

/** Which part of the pipeline a node is. */
export interface Place {
  stepId?: string
  field?: string
}

export interface Entry {
  key: string
  keyNode: Node
  /** Aliases are followed; null where the file says nothing after the colon. */
  value: Node | null
}

interface MapRules {
  keys: KeyTable
  unavailable?: readonly string[]
  /** Keys that mean nothing: whoever writes the file keeps in them what it names elsewhere. */
  ignored?: RegExp
  /** step, pipeline, input, need, or a key. */
  noun: string
}

export const mergeKey = '<<'

// In nodes read: a map that is taken over is gone through entry by entry.
const mergeCost = 20

// Nodes that may be read once an alias was followed: more than any file holds that is written out.
const aliasBudget = 500_000

// A value of the file that a sentence names may be as long as the file.
const longestMessage = 1000

export class Reader {
  readonly problems: Problem[] = []
  /** Where each part of the pipeline stands, by step and field. */
  private readonly places = new Map<string, number>()
  private readonly lines: LineCounter
  private readonly targets: ReadonlyMap<Alias, Node>
  private aliased = 0
  private exhausted = false

  constructor(document: Document.Parsed | undefined, lines: LineCounter) {
    this.lines = lines
    const { targets, refused } = document === undefined ? noNodes : lookThrough(document)
    this.targets = targets
    for (const [node, name] of refused) {
      this.report(say('characters', { odd: name }), node)
    }
  }

  /** `code`: what kind of problem it is, where several sentences are of one kind. */
  report(
    said: Said,
    at: Node | number | null,
    place: Place = {},
    code: string = said.code,
    severity = Severity.ERROR,
  ): void {
    const offset = typeof at === 'number' ? at : at?.range?.[0]
    if (this.problems.length >= limits.problems) return
    const { line, col } = offset === undefined ? { line: 0, col: 0 } : this.position(offset)
    const { stepId = '', field = '' } = place
    this.problems.push(
      create(ProblemSchema, { severity, ...problemOfSaid(bounded(said), code), line, column: col, stepId, field }),
    )
  }

  position(offset: number): { line: number; col: number } {
    const { line, col } = this.lines.linePos(offset)
    return { line: Math.max(1, line), col: Math.max(1, col) }
  }

  mark(place: Place, node: Node | null): void {
    if (node?.range) this.places.set(placeKey(place), node.range[0])
  }

  /** The place of a field, or of the nearest thing around it. */
  find(place: Place): { line: number; col: number } | undefined {
    let field = place.field ?? ''
    for (;;) {
      const offset = this.places.get(placeKey(place.stepId === undefined ? { field } : { stepId: place.stepId, field }))
      if (offset !== undefined) return this.position(offset)
      if (field === '') return undefined
      field = field.slice(0, Math.max(0, field.lastIndexOf('.')))
    }
  }

  /** Follows aliases; null for nothing, or after reporting an alias that leads nowhere or to too much. */
  follow(node: unknown, place: Place): Node | null {
    if (!isNode(node)) return null
    if (this.aliased > 0) this.aliased += size(node)
    if (!isAlias(node)) return node
    if (this.aliased > aliasBudget) {
      if (!this.exhausted) this.report(say('alias_much'), node, place, 'alias')
      this.exhausted = true
      return null
    }
    const target = this.targets.get(node)
    this.aliased += target === undefined ? 1 : size(target)
    if (target !== undefined) return target
    this.report(say('alias_nothing', { name: node.source }), node, place, 'alias')
    return null
  }

  /**
   * The entries of a map, and behind them those that it takes over with `<<`, where it does not have them itself; reports what is
   * no map, keys that are no text, and keys twice.
   */
  entries(node: Node | null, what: string, place: Place, depth = 0): Entry[] {
    if (node === null) return []
    if (!isMap(node)) {
      this.report(say('want_map', { noun: what, ...this.got(node) }), node, place, 'type')
      return []
    }
    const entries: Entry[] = []
    const merged: (Node | null)[] = []
    const seen = new Set<string>()
    for (const { key: rawKey, value } of node.items) {
      const keyNode = this.follow(rawKey, place)
      if (keyNode === null || !isScalar(keyNode)) {
        this.report(say('key_word', { noun: what }), isNode(rawKey) ? rawKey : node, place, 'type')
        continue
      }
      const key = scalarText(keyNode)
      if (seen.has(key)) {
        this.report(say('duplicate_key', { name: shortText(key) }), keyNode, this.inside(place, key))
        continue
      }
      seen.add(key)
      if (key === mergeKey) {
        const source = this.follow(value, place)
        for (const each of isSeq(source) ? source.items : [source]) {
          if (this.exhausted) break
          merged.push(this.follow(each, place))
          this.aliased += mergeCost
        }
        continue
      }
      // Elsewhere names are keys of their own in the document; what holds one in one piece cannot have these.
      if (key === '__proto__' || (/^(templates\.|with\.|matrix\b)/.test(place.field ?? '') && isTakenKey(key))) {
        this.report(say('name_proto', { name: key }), keyNode, this.inside(place, key), 'unknown_key')
        continue
      }
      const followed = this.follow(value, this.inside(place, key))
      if (followed !== null || !isAlias(value)) entries.push({ key, keyNode, value: followed })
    }
    for (const source of merged) {
      if (this.exhausted) break
      if (depth > limits.withDepth) {
        this.report(say('key_deep', { key: mergeKey, most: limits.withDepth }), node, place, 'limit')
        break
      }
      for (const entry of this.entries(source, mergeKey, place, depth + 1)) {
        if (seen.has(entry.key)) continue
        seen.add(entry.key)
        entries.push(entry)
      }
    }
    return entries
  }

  /** The entries whose keys the table knows, by key; the others are reported. */
  known(node: Node | null, rules: MapRules, place: Place): Map<string, Entry> {
    const found = new Map<string, Entry>()
    for (const entry of this.entries(node, rules.noun, place)) {
      const { key, keyNode } = entry
      const at = this.inside(place, key)
      if (Object.hasOwn(rules.keys, key)) {
        found.set(key, entry)
        this.mark(at, entry.value ?? keyNode)
      } else if (rules.ignored?.test(key)) {
        // Nothing of the pipeline.
      } else if (this.problems.length >= limits.problems) {
        break
      } else if (rules.unavailable?.includes(key)) {
        this.report(say('unavailable', { key }), keyNode, at)
      } else {
        this.report(unknownKey(entry, rules), keyNode, at, 'unknown_key')
      }
    }
    return found
  }

  inside({ stepId, field }: Place, key: string): Place {
    const path = field === undefined || field === '' ? key : `${field}.${key}`
    return stepId === undefined ? { field: path } : { stepId, field: path }
  }

  /** Any scalar as the text that was written: 1.10 stays "1.10". */
  text(node: Node | null, what: string, place: Place): string | undefined {
    if (node === null) return ''
    if (isScalar(node)) return scalarText(node)
    this.report(say('want_text', { key: what, ...this.got(node) }), node, place, 'type')
    return undefined
  }

  boolean(node: Node | null, what: string, place: Place): boolean | undefined {
    if (isScalar(node) && typeof node.value === 'boolean') return node.value
    const quotes = isScalar(node) ? 'true' : undefined
    this.report(say('want_boolean', { key: what, ...this.got(node), quotes }), node, place, 'type')
    return undefined
  }

  number(node: Node | null, what: string, place: Place): number | undefined {
    if (isScalar(node) && typeof node.value === 'number') return this.exact(node, node.value, what, place)
    this.report(say('want_number', { key: what, ...this.got(node) }), node, place, 'type')
    return undefined
  }

  /** A list of words, or one word alone. */
  words(node: Node | null, what: string, place: Place): string[] {
    if (node === null) return []
    if (isScalar(node)) return node.value === null ? [] : [scalarText(node)]
    if (!isSeq(node)) {
      this.report(say('want_words', { key: what, ...this.got(node) }), node, place, 'type')
      return []
    }
    const words: string[] = []
    for (const item of node.items) {
      const each = this.follow(item, place)
      if (isScalar(each) && each.value !== null) words.push(scalarText(each))
      else this.report(say('want_word', { key: what, ...this.got(each) }), each ?? node, place, 'type')
    }
    return words
  }

  json(node: Node | null, what: string, place: Place, depth = 0): JsonValue {
    if (node === null) return null
    if (depth > limits.withDepth) {
      this.report(say('key_deep', { key: what, most: limits.withDepth }), node, place, 'limit')
      return null
    }
    if (isSeq(node)) return node.items.map((item) => this.json(this.follow(item, place), what, place, depth + 1))
    if (isMap(node)) {
      return Object.fromEntries(
        this.entries(node, what, place).map(({ key, value }) => [key, this.json(value, what, place, depth + 1)]),
      )
    }
    const value = isScalar(node) ? node.value : null
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
    if (isScalar(node) && typeof value === 'number') return this.exact(node, value, what, place) ?? null
    this.report(say('want_json', { key: what, value: String(value) }), node, place, 'type')
    return null
  }

  /** Nothing of a number is lost in silence. */
  private exact(node: Scalar, value: number, what: string, place: Place): number | undefined {
    const problem = writtenNumberProblem(node.source ?? String(value))
    if (problem === undefined) return value
    this.report(say('number', { key: what, problem }), node, place)
    return undefined
  }

  /** What stands there, for a sentence that says what should. */
  got(node: Node | null): Got {
    if (isMap(node)) return { kind: 'map' }
    if (isSeq(node)) return { kind: 'list' }
    if (!isScalar(node) || node.value === null) return { kind: 'empty' }
    const text = scalarText(node)
    if (typeof node.value === 'string') return { kind: 'text', value: shortText(text, 40) }
    return { kind: 'value', value: text.slice(0, 40) }
  }
}

interface Nodes {
  /** What each alias means: the nearest anchor of its name before it. */
  targets: ReadonlyMap<Alias, Node>
  /** Texts that cannot be stored, with the character that they hold. */
  refused: ReadonlyMap<Node, string>
}

const noNodes: Nodes = { targets: new Map(), refused: new Map() }

function lookThrough(document: Document.Parsed): Nodes {
  const anchors = new Map<string, Node>()
  const targets = new Map<Alias, Node>()
  const refused = new Map<Node, string>()
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source)
        if (target !== undefined) targets.set(node, target)
        return
      }
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
      const wrong = isScalar(node) && typeof node.value === 'string' ? unstorable(node.value) : undefined
      if (wrong !== undefined) refused.set(node, wrong.point)
    },
  })
  return { targets, refused }
}

/** A node and the text it holds, which an alias may bring back a thousand times. */
function size(node: Node): number {
  return 1 + (isScalar(node) && typeof node.value === 'string' ? node.value.length / 16 : 0)
}

/** What was written, without YAML's idea of its type; "" for nothing. */
export function scalarText(node: Scalar): string {
  if (typeof node.value === 'string') return node.value
  if (node.value === null || node.value === undefined) return node.source === '' ? '' : (node.source ?? '')
  return node.source ?? String(node.value)
}

function placeKey({ stepId, field }: Place): string {
  return `${stepId ?? ''}\n${field ?? ''}`
}

function unknownKey({ key, value }: Entry, { keys, noun }: MapRules): Said {
  const odd = oddCharacter(key)
  const name = shortText(key)
  if (odd !== undefined) return say('key_odd', { name, odd })
  const instead = saidInstead(key, noun, value)
  if (instead !== undefined) return instead
  const foreign = Object.hasOwn(foreignKeys, key) ? foreignKeys[key] : undefined
  if (foreign !== undefined && Object.hasOwn(keys, foreign.split('.')[0]!)) {
    return say('key_foreign', { noun, name, here: foreign })
  }
  return say('unknown_key', { noun, name, ...suggestion(key, Object.keys(keys)) })
}

function bounded({ code, params }: Said): Said {
  const short = (text: string) => (text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text)
  return { code, params: Object.fromEntries(Object.entries(params).map(([name, text]) => [name, short(text)])) }
}
