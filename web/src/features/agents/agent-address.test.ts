import { expect, test } from 'vitest'
import { agentAddress, isOnlyLocal } from './agent-address.ts'

test.each([
  ['http://0.0.0.0:9090', 'http://ci.example.org:9090', false],
  ['http://[::]:9090', 'http://ci.example.org:9090', false],
  ['https://agents.example.org:443', 'https://agents.example.org:443', false],
  ['agents.example.org:9090', 'agents.example.org:9090', false],
  ['http://10.0.0.0.0:9090', 'http://10.0.0.0.0:9090', false],
  ['127.0.0.1:9090', '127.0.0.1:9090', true],
  ['[::1]:9090', '[::1]:9090', true],
])('%s is dialed as %s', (given, dialed, local) => {
  expect(agentAddress(given, 'ci.example.org')).toBe(dialed)
  expect(isOnlyLocal(dialed)).toBe(local)
})
