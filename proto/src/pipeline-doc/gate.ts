// Owns what of a change the controller would refuse for its size, asked before it is made: what was refused must never enter the
// document, for nothing that comes after it would be taken either.
import * as Y from 'yjs'
import { limits, utf8Length } from '../limits.ts'
import { type Said, say } from '../texts/say.ts'
import { countSteps, maxSteps } from './shape.ts'

export interface Measure {
  /** Bytes that the change writes at most. */
  bytes: number
  /** Steps that it adds or brings back at most. */
  steps: number
}

export interface Gate {
  /** Why the controller would not take what `change` does to a document; undefined: it would. Nothing is changed. */
  refuses(most: Measure, change: (copy: Y.Doc) => void): Said | undefined
  /** The same of typing or pasting: `inserted`, which makes a text of `text`. */
  refusesText(inserted: string, text: string): Said | undefined
  destroy(): void
}

/** What a message says beside the change that it carries. */
const frameBytes = 16
/** Of a change that writes a text: where it goes. */
const placeBytes = 256

/** `waiting`: bytes that were changed here and that the controller has not taken yet. */
export function createGate(doc: Y.Doc, waiting: () => number = () => 0): Gate {
  // Never less than the document really has, so that it is seldom measured.
  let size = 0
  const grown = (update: Uint8Array): void => {
    size += update.length
  }
  doc.on('update', grown)

  const refusesChange = (bytes: number): Said | undefined =>
    bytes + frameBytes > limits.changeBytes ? say('change_large', { most: limits.changeBytes / 1024 }) : undefined

  /** Of `bytes` beside all that is there. */
  function refusesMore(bytes: number): Said | undefined {
    if (waiting() + bytes + frameBytes > limits.waitingBytes) {
      return say('too_much_waits', { most: limits.waitingBytes / 1024 / 1024 })
    }
    if (size + bytes <= limits.documentBytes) return undefined
    size = Y.encodeStateAsUpdateV2(doc).length
    if (size + bytes <= limits.documentBytes) return undefined
    return say('document_large', { most: limits.documentBytes / 1024 / 1024 })
  }

  function tried(change: (copy: Y.Doc) => void): Said | undefined {
    const copy = new Y.Doc()
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
    // The number of the client is in what is sent, shorter or longer.
    copy.clientID = doc.clientID
    const before = countSteps(copy)
    const updates: number[] = []
    copy.on('update', (update: Uint8Array) => updates.push(update.length))
    change(copy)
    const steps = countSteps(copy)
    copy.destroy()
    if (steps > maxSteps && steps > before) return say('canvas_steps', { most: maxSteps })
    return refusesChange(Math.max(0, ...updates)) ?? refusesMore(updates.reduce((sum, bytes) => sum + bytes, 0))
  }

  return {
    refuses({ bytes, steps }, change) {
      const isFew = steps === 0 || countSteps(doc) + steps <= maxSteps
      return isFew && !refusesChange(bytes) && !refusesMore(bytes) ? undefined : tried(change)
    },
    refusesText(inserted, text) {
      const bytes = utf8Length(inserted) + placeBytes
      const refused = refusesChange(bytes) ?? refusesMore(bytes)
      if (refused) return refused
      // What three bytes a letter cannot exceed need not be counted.
      const isLarge = text.length * 3 > limits.scriptBytes && utf8Length(text) > limits.scriptBytes
      return isLarge ? say('script_long', { most: limits.scriptBytes / 1024 }) : undefined
    },
    destroy: () => doc.off('update', grown),
  }
}
