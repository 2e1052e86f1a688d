// How the live connection is doing. The module that holds the connection writes it; undefined: there is none, no dot is drawn.
import { shallowRef } from 'vue'

export interface LiveState {
  kind: 'live' | 'reconnecting' | 'offline'
  /** While reconnecting: when the connection was lost, in epoch milliseconds. */
  since?: number
}

export const liveState = shallowRef<LiveState>()
