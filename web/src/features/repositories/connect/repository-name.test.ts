import { expect, it } from 'vitest'
import { repositoryName } from './repository-name.ts'

it('takes a name, or an address that begins as the connection does', () => {
  const url = 'https://git.example.test/srv'
  expect(repositoryName(' acme/shop ', url)).toBe('acme/shop')
  expect(repositoryName('/acme/shop/', url)).toBe('acme/shop')
  expect(repositoryName('https://git.example.test/srv/acme/shop.git', `${url}/`)).toBe('acme/shop')
  // Of another server: left as it is, for the controller to refuse.
  expect(repositoryName('https://elsewhere.example.test/acme', url)).toBe('https://elsewhere.example.test/acme')
})
