// The worker's end of tidying: a request in, places out.
import { type LayoutRequest, layoutSteps } from './layout.ts'

self.onmessage = (event: MessageEvent<LayoutRequest>) => {
  self.postMessage(layoutSteps(event.data))
}
