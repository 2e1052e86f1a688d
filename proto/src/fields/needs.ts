// The steps a step waits for: ids in the file, or { step, on, if }; edges in the document.
import { type Need, NeedKind, NeedSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { type KeyTable, scalar } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import type { Tree, TreeMap } from '../pipeline-yaml/tree-value.ts'
import { say } from '../texts/say.ts'
import { compare, type Kind, ownWay } from './kind.ts'
import { choice, readCondition } from './kinds.ts'

const needKind = choice(NeedKind, {
  success: NeedKind.SUCCESS,
  failure: NeedKind.FAILURE,
  always: NeedKind.ALWAYS,
})

export const needKeys: KeyTable = {
  step: { description: 'The id of the step that must end first.', schema: scalar },
  on: { description: 'How it must end: success (the default), failure or always.', schema: needKind.schema },
  if: { description: 'CEL: false counts as not met.', schema: scalar },
}

export const needs: Kind<Need[]> = {
  name: 'needs',
  schema: {
    anyOf: [scalar, { type: 'array', items: { anyOf: [scalar, { $ref: '#/$defs/need' }] } }, { $ref: '#/$defs/need' }],
  },
  absent: [],
  read: readNeeds,
  write: (value) => (value.length > 0 ? value.map(needTree) : undefined),
  canonical: (value) =>
    value
      .map(({ stepId, kind, condition }) => ({ step: stepId, on: needKind.canonical(kind), if: condition }))
      .sort((a, b) => compare(a.step, b.step)),
  ...ownWay,
  fromDocument: () => [],
  expressions: 'condition',
}

function needTree({ stepId, kind, condition }: Need): Tree {
  const on = needKind.write(kind)
  if (on === undefined && condition === '') return stepId
  const tree: TreeMap = new Map([['step', stepId]])
  if (on !== undefined) tree.set('on', on)
  if (condition !== '') tree.set('if', `\${{ ${condition} }}`)
  return tree
}

function readNeeds(reader: Reader, node: Node | null, _key: string, place: Place): Need[] {
  if (node === null || (isScalar(node) && node.value === null)) return []
  const found: Need[] = []
  for (const raw of isSeq(node) ? node.items : [node]) {
    const item = reader.follow(raw, place)
    const need = readNeed(reader, item, item ?? node, place)
    if (need !== undefined) found.push(need)
  }
  return found
}

function readNeed(reader: Reader, node: Node | null, at: Node, place: Place): Need | undefined {
  if (isScalar(node) && node.value !== null) {
    reader.mark(reader.inside(place, scalarText(node)), node)
    return create(NeedSchema, { stepId: scalarText(node), kind: NeedKind.SUCCESS })
  }
  if (!isMap(node)) {
    const said = say('want_need', { form: '{ step, on, if }', ...reader.got(node) })
    reader.report(said, at, place, 'type')
    return undefined
  }
  const entries = reader.known(node, { keys: needKeys, noun: 'need' }, place)
  const step = entries.get('step')
  const id = step === undefined ? '' : (reader.text(step.value, 'step', place) ?? '')
  if (id === '') {
    if (entries.size === node.items.length)
      reader.report(say('need_step', { form: '{ step: build, on: success }' }), node, place)
    return undefined
  }
  const need = create(NeedSchema, { stepId: id, kind: NeedKind.SUCCESS })
  const within = reader.inside(place, id)
  reader.mark(within, step?.value ?? node)
  const on = entries.get('on')
  if (on !== undefined) need.kind = needKind.read(reader, on.value, 'on', place) ?? need.kind
  const condition = entries.get('if')
  if (condition !== undefined) {
    const where = reader.inside(within, 'if')
    reader.mark(where, condition.value ?? condition.keyNode)
    need.condition = readCondition(reader, condition.value, 'if', where)
  }
  return need
}
