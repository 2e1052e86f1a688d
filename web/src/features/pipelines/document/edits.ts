// Everything a person can do to the live pipeline, bound to this tab's document: each is one gesture and one step of undo.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import {
  addInput,
  addStep,
  applyGraph,
  asOneGesture,
  connect,
  copySteps,
  disconnect,
  duplicateSteps,
  type EdgeFields,
  type EditOrigin,
  type InputFields,
  inputIds,
  moveSteps,
  type Plain,
  type Point,
  pasteYaml,
  removeInput,
  removeSteps,
  renameEnv,
  renameStep,
  rootsOf,
  type StepField,
  seedOrigin,
  setDeleted,
  setEdge,
  setEnv,
  setInput,
  setManualTrigger,
  setSetting,
  setStepField,
  setTrigger,
  type Undo,
} from '@ansflow/proto/pipeline-doc'
import { stepType } from '@ansflow/proto/steps/index'
import type * as Y from 'yjs'
import { i18n } from '../../../i18n.ts'
import { type EdgeKind, freePlace, type GraphView } from '../graph/graph-view.ts'
import { typeTitle } from '../step-text.ts'

export interface AddStep {
  type: string
  at: Point
  connectFrom?: { nodeId: string; kind: EdgeKind } | undefined
  /** The edge that the step is put on. */
  insertOn?: string | undefined
  script?: string | undefined
}

export interface EditsOf {
  ydoc: Y.Doc
  origin: EditOrigin
  undo: Undo
  view: () => GraphView
}

export function createEdits({ ydoc, origin, undo, view }: EditsOf) {
  const say = (key: string, params: Record<string, unknown> = {}) =>
    undo.name(i18n.global.t(`pipelines.undo.${key}`, params))
  const titleOf = (nodeId: string | undefined) => (nodeId && view().steps.get(nodeId)?.title) || ''
  const several = (key: string, ids: readonly string[]) =>
    ids.length === 1 ? say(key, { name: titleOf(ids[0]) }) : say(`${key}Many`, { count: ids.length })

  return {
    /** Answers the node id. */
    add({ type, at, connectFrom, insertOn, script }: AddStep): string {
      const pos = freePlace(at, view().steps.values(), connectFrom ? 1 : 3)
      const params = {
        ...(stepType(type)?.defaults as Record<string, Plain> | undefined),
        ...(script ? { script } : {}),
      }
      const between = insertOn ? view().edges.get(insertOn) : undefined
      const after = connectFrom?.nodeId ?? between?.source
      let id = ''
      // Made as deleted first: undoing the gesture below hides the step again, with all that others have put into it.
      ydoc.transact(() => {
        id = addStep(
          ydoc,
          { type, pos, params, ...(type === 'custom' ? { key: 'script' } : {}), ...(after ? { after } : {}) },
          seedOrigin,
        )
        setDeleted(ydoc, [id], true, seedOrigin)
      }, seedOrigin)
      say('add', { name: typeTitle(type) })
      asOneGesture(ydoc, origin, () => {
        setDeleted(ydoc, [id], false, origin)
        if (connectFrom) connect(ydoc, connectFrom.nodeId, id, origin, { kind: connectFrom.kind })
        if (between) {
          disconnect(ydoc, [between.key], origin)
          connect(ydoc, between.source, id, origin, { kind: between.kind, condition: between.condition })
          connect(ydoc, id, between.target, origin)
        }
      })
      return id
    },
    /** Answers the keys of the lines that lead past them now. */
    remove(nodeIds: readonly string[]): string[] {
      several('remove', nodeIds)
      return removeSteps(ydoc, nodeIds, origin)
    },
    /** `past`: lines that are not needed any more. */
    restore(nodeIds: readonly string[], past: readonly string[] = []): void {
      say('restore')
      asOneGesture(ydoc, origin, () => {
        setDeleted(ydoc, nodeIds, false, origin)
        disconnect(ydoc, past, origin)
      })
    },
    move(places: ReadonlyMap<string, Point>): void {
      several('move', [...places.keys()])
      moveSteps(ydoc, places, origin)
    },
    tidy(places: ReadonlyMap<string, Point>): void {
      say('tidy')
      moveSteps(ydoc, places, origin)
    },
    connect(from: string, kind: EdgeKind, to: string): void {
      say('connect', { from: titleOf(from), to: titleOf(to) })
      connect(ydoc, from, to, origin, { kind })
    },
    connectAll(pairs: readonly { from: string; to: string }[]): void {
      say('connectMany', { count: pairs.length })
      asOneGesture(ydoc, origin, () => {
        for (const { from, to } of pairs) connect(ydoc, from, to, origin)
      })
    },
    disconnect(keys: readonly string[]): void {
      say('disconnect')
      disconnect(ydoc, keys, origin)
    },
    /** Answers the edge's key, another one when the kind changes. */
    edge(key: string, fields: EdgeFields): string | undefined {
      say('edge')
      return setEdge(ydoc, key, fields, origin)
    },
    field(nodeId: string, field: StepField, value: Plain | undefined): void {
      say('field', { name: titleOf(nodeId) })
      setStepField(ydoc, nodeId, field, value, origin)
    },
    enable(nodeIds: readonly string[], on: boolean): void {
      say(on ? 'enable' : 'disable', { count: nodeIds.length })
      asOneGesture(ydoc, origin, () => {
        for (const id of nodeIds) setStepField(ydoc, id, 'on', on, origin)
      })
    },
    rename(nodeId: string, key: string): string {
      say('rename', { name: titleOf(nodeId) })
      return renameStep(ydoc, nodeId, key, origin)
    },
    env(nodeId: string | null, name: string, value: string | undefined): void {
      say('env', { name })
      setEnv(ydoc, nodeId, name, value, origin)
    },
    renameEnv(nodeId: string | null, name: string, next: string): void {
      say('env', { name })
      renameEnv(ydoc, nodeId, name, next, origin)
    },
    setting(key: string, value: Plain | undefined): void {
      say('setting')
      setSetting(ydoc, key, value, origin)
    },
    trigger(key: string, value: Plain | undefined): void {
      say('trigger')
      setTrigger(ydoc, key, value, origin)
    },
    manual(manual: boolean): void {
      say('trigger')
      setManualTrigger(ydoc, manual ? undefined : false, origin)
    },
    inputIds: () => inputIds(rootsOf(ydoc).inputs),
    addInput(name: string): string {
      say('input')
      return addInput(ydoc, { name }, origin)
    },
    input(id: string, fields: { [K in keyof InputFields]?: InputFields[K] | undefined }): void {
      say('input')
      setInput(ydoc, id, fields, origin)
    },
    removeInput(id: string): void {
      say('input')
      removeInput(ydoc, id, origin)
    },
    copy: (nodeIds: readonly string[]) => copySteps(ydoc, nodeIds),
    paste(yaml: string, at: Point) {
      say('paste')
      return pasteYaml(ydoc, yaml, at, origin)
    },
    duplicate(nodeIds: readonly string[], by: Point): string[] {
      several('duplicate', nodeIds)
      return duplicateSteps(ydoc, nodeIds, by, origin)
    },
    /** Makes the document mean the graph: typing YAML, restoring a version. */
    apply(graph: PipelineGraph, source: string, label: 'yaml' | 'restoreVersion'): void {
      say(label)
      applyGraph(ydoc, graph, source, origin)
    },
  }
}
