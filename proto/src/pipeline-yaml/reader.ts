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
import { limits } from '../limits.ts'
import { writtenNumberProblem } from '../number.ts'
import { suggestion } from '../suggest.ts'
import { foreignKeys } from './foreign-keys.ts'
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
  unavailable?: Readonly<Record<string, string>>
  /** "a step", for sentences. */
  noun: string
}

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
      this.report('characters', `This text holds ${name}, which cannot be stored. Remove it.`, node)
    }
  }

  report(code: string, message: string, at: Node | number | null, place: Place = {}, severity = Severity.ERROR): void {
    const offset = typeof at === 'number' ? at : at?.range?.[0]
    if (this.problems.length >= limits.problems) return
    const { line, col } = offset === undefined ? { line: 0, col: 0 } : this.position(offset)
    const { stepId = '', field = '' } = place
    const sentence = message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message
    this.problems.push(create(ProblemSchema, { severity, code, message: sentence, line, column: col, stepId, field }))
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
      if (!this.exhausted)
        this.report('alias', 'The aliases of this file expand to too much. Write values out.', node, place)
      this.exhausted = true
      return null
    }
    const target = this.targets.get(node)
    this.aliased += target === undefined ? 1 : size(target)
    if (target !== undefined) return target
    this.report('alias', `The alias *${node.source} refers to nothing before it. Write the value out.`, node, place)
    return null
  }

  /** The entries of a map; reports what is no map, keys that are no text, and keys twice. */
  entries(node: Node | null, what: string, place: Place): Entry[] {
    if (node === null) return []
    if (!isMap(node)) {
      this.report('type', `${what} must be a map of keys and values, not ${this.kind(node)}.`, node, place)
      return []
    }
    const entries: Entry[] = []
    const seen = new Set<string>()
    for (const { key: rawKey, value } of node.items) {
      const keyNode = this.follow(rawKey, place)
      if (keyNode === null || !isScalar(keyNode)) {
        this.report('type', `A key of ${what} must be one word.`, isNode(rawKey) ? rawKey : node, place)
        continue
      }
      const key = scalarText(keyNode)
      if (seen.has(key)) {
        this.report(
          'duplicate_key',
          `The key ${JSON.stringify(key)} is there twice. Remove one.`,
          keyNode,
          this.inside(place, key),
        )
        continue
      }
      seen.add(key)
      const followed = this.follow(value, this.inside(place, key))
      if (followed !== null || !isAlias(value)) entries.push({ key, keyNode, value: followed })
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
      } else if (this.problems.length >= limits.problems) {
        break
      } else if (rules.unavailable !== undefined && Object.hasOwn(rules.unavailable, key)) {
        const message = `${rules.unavailable[key]} (${key}) are not available in this version. Remove the key.`
        this.report('unavailable', message.replace(/^(Running[^(]*\(\w+\)) are/, '$1 is'), keyNode, at)
      } else {
        this.report('unknown_key', unknownKey(key, rules), keyNode, at)
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
    this.report('type', `${what} must be text, not ${this.kind(node)}.`, node, place)
    return undefined
  }

  boolean(node: Node | null, what: string, place: Place): boolean | undefined {
    if (isScalar(node) && typeof node.value === 'boolean') return node.value
    const written = isScalar(node) ? ` Write it without quotes; yes, no, on and off are text.` : ''
    this.report('type', `${what} must be true or false, not ${this.kind(node)}.${written}`, node, place)
    return undefined
  }

  number(node: Node | null, what: string, place: Place): number | undefined {
    if (isScalar(node) && typeof node.value === 'number') return this.exact(node, node.value, what, place)
    this.report('type', `${what} must be a number, not ${this.kind(node)}.`, node, place)
    return undefined
  }

  /** A list of words, or one word alone. */
  words(node: Node | null, what: string, place: Place): string[] {
    if (node === null) return []
    if (isScalar(node)) return node.value === null ? [] : [scalarText(node)]
    if (!isSeq(node)) {
      this.report('type', `${what} must be a word or a list of words, not ${this.kind(node)}.`, node, place)
      return []
    }
    const words: string[] = []
    for (const item of node.items) {
      const each = this.follow(item, place)
      if (isScalar(each) && each.value !== null) words.push(scalarText(each))
      else this.report('type', `${what} must hold words only, not ${this.kind(each)}.`, each ?? node, place)
    }
    return words
  }

  json(node: Node | null, what: string, place: Place, depth = 0): JsonValue {
    if (node === null) return null
    if (depth > limits.withDepth) {
      this.report('limit', `${what} is nested more than ${limits.withDepth} levels deep.`, node, place)
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
    this.report('type', `${what} holds ${String(value)}, which is no value JSON knows. Put it in quotes.`, node, place)
    return null
  }

  /** Nothing of a number is lost in silence. */
  private exact(node: Scalar, value: number, what: string, place: Place): number | undefined {
    const problem = writtenNumberProblem(node.source ?? String(value))
    if (problem === undefined) return value
    this.report('number', `${what} cannot be kept as it is written. ${problem}`, node, place)
    return undefined
  }

  kind(node: Node | null): string {
    if (node === null) return 'empty'
    if (isMap(node)) return 'a map'
    if (isSeq(node)) return 'a list'
    if (!isScalar(node) || node.value === null) return 'empty'
    const text = scalarText(node)
    const short = text.length > 40 ? `${text.slice(0, 40)}…` : text
    return typeof node.value === 'string' ? `the text ${JSON.stringify(short)}` : short
  }
}

interface Nodes {
  /** What each alias means: the nearest anchor of its name before it. */
  targets: ReadonlyMap<Alias, Node>
  /** Texts that cannot be stored, with what they hold. */
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
      if (wrong !== undefined) refused.set(node, wrong.name)
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

function unknownKey(key: string, { keys, noun }: MapRules): string {
  const odd = oddCharacter(key)
  if (odd !== undefined) return `The key ${JSON.stringify(key)} holds ${odd}. Write it anew with plain characters.`
  if (key === '<<') return 'Merge keys (<<) are not supported. Repeat the keys, or give whole values an anchor.'
  const foreign = Object.hasOwn(foreignKeys, key) ? foreignKeys[key] : undefined
  if (foreign !== undefined && Object.hasOwn(keys, foreign.split('.')[0]!)) {
    return `${capital(noun)} has no key ${JSON.stringify(key)}. Here it is called ${foreign}.`
  }
  return `${capital(noun)} has no key ${JSON.stringify(key)}.${suggestion(key, Object.keys(keys))}`
}

export function capital(noun: string): string {
  return noun.charAt(0).toUpperCase() + noun.slice(1)
}
