// Drawing a line from a handle: over any part of a step it connects, over empty canvas it offers a new step.
import type { EdgeKind } from '../../graph/graph-view.ts'
import { type Place, useEditor } from '../editor-context.ts'
import { useStepCommands } from '../use-step-commands.ts'

export function useConnect() {
  const editor = useEditor()
  const { refuse } = useStepCommands()

  function startConnecting(event: PointerEvent, from: string, kind: EdgeKind): void {
    if (event.button !== 0 || !editor.canEdit.value) return
    const start: Place = { x: event.clientX, y: event.clientY }
    const move = (moved: PointerEvent) => {
      const over = stepAt(moved)
      const target = over === from ? undefined : over
      editor.connecting.value = {
        from,
        kind,
        to: editor.canvas.value?.toCanvas({ x: moved.clientX, y: moved.clientY }) ?? start,
        over: target,
        cycle: target ? editor.doc.cycle(from, target) : undefined,
      }
    }
    const stop = () => {
      window.removeEventListener('pointermove', move)
      window.removeEventListener('pointerup', drop)
      window.removeEventListener('keydown', cancel, true)
      editor.connecting.value = undefined
    }
    const drop = (dropped: PointerEvent) => {
      const line = editor.connecting.value
      stop()
      if (!line) return
      if (line.over) {
        if (line.cycle) refuse(line.cycle)
        else editor.doc.edit.connect(from, kind, line.over)
        return
      }
      const client = { x: dropped.clientX, y: dropped.clientY }
      const canvas = editor.canvas.value
      const far = Math.hypot(client.x - start.x, client.y - start.y) > 24
      if (!canvas || !far || stepAt(dropped) === from || !canvas.contains(client)) return
      const at = canvas.toCanvas(client)
      editor.quickAdd.value = {
        screen: canvas.toFrame(client),
        at: { x: at.x, y: at.y - 28 },
        connectFrom: { nodeId: from, kind },
      }
    }
    const cancel = (key: KeyboardEvent) => {
      if (key.key !== 'Escape') return
      key.stopPropagation()
      stop()
    }
    window.addEventListener('pointermove', move)
    window.addEventListener('pointerup', drop)
    window.addEventListener('keydown', cancel, true)
  }

  return { startConnecting }
}

function stepAt(event: PointerEvent): string | undefined {
  const element = document.elementFromPoint(event.clientX, event.clientY)
  return element?.closest<HTMLElement>('.vue-flow__node')?.dataset['id']
}
