// Asks the layout worker once and lets it go.
import type { LayoutAnswer, LayoutRequest } from './layout.ts'

export function tidy(request: LayoutRequest): Promise<LayoutAnswer> {
  const worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' })
  return new Promise<LayoutAnswer>((resolve, reject) => {
    worker.onmessage = (event: MessageEvent<LayoutAnswer>) => resolve(event.data)
    worker.onerror = (event) => reject(new Error(event.message))
    worker.postMessage(request)
  }).finally(() => worker.terminate())
}
