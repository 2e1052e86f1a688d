import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { watchPulse } from './link-pulse.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function start(waiting = false) {
  const seen = { asked: 0, alive: true, renewed: 0, connected: true }
  const pulse = watchPulse({
    connected: () => seen.connected,
    waiting: () => waiting,
    ask: () => {
      seen.asked++
    },
    answers: (alive) => {
      seen.alive = alive
    },
    renew: () => {
      seen.renewed++
    },
  })
  const pass = (seconds: number) => vi.advanceTimersByTime(seconds * 1000)
  return { seen, pulse, pass }
}

it('asks nothing while things come by themselves', () => {
  const { seen, pulse, pass } = start()
  for (let i = 0; i < 20; i++) {
    pass(2)
    pulse.heard()
  }
  expect(seen).toEqual({ asked: 0, alive: true, renewed: 0, connected: true })
  pulse.stop()
})

it('notices within seconds that nothing comes back, and that it does again', () => {
  const { seen, pulse, pass } = start(true)
  pass(2)
  expect(seen.asked).toBe(1)
  pass(4)
  expect(seen.alive).toBe(false)
  pulse.heard()
  expect(seen).toEqual({ asked: 1, alive: true, renewed: 0, connected: true })
  pulse.stop()
})

it('opens a new connection when the old one stays silent, and when a new one does not open', () => {
  const { seen, pulse, pass } = start()
  pass(4 + 9)
  expect(seen.renewed).toBe(1)
  seen.connected = false
  pass(16)
  expect(seen.renewed).toBe(2)
  pulse.stop()
})
