// Who knows the secret of a hook, in the way of each forge; and that nobody else does.
import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Forge } from '../forge.ts'
import { forges } from '../kinds.ts'
import { bitbucket } from './bitbucket/bitbucket.ts'
import { git } from './git/git.ts'
import { gitea } from './gitea/gitea.ts'
import { gitee } from './gitee/gitee.ts'
import { github } from './github/github.ts'
import { gitlab } from './gitlab/gitlab.ts'

const body = Buffer.from('{"a":1}')
const now = new Date('2030-01-01T00:00:00Z')
const seconds = (at = now) => String(at.getTime() / 1000)
const hex = (secret: string) => createHmac('sha256', secret).update(body).digest('hex')

function standard(secret: string, at = now): Record<string, string> {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret
  const signed = createHmac('sha256', key)
    .update(`id-1.${seconds(at)}.`)
    .update(body)
    .digest('base64')
  return { 'webhook-id': 'id-1', 'webhook-timestamp': seconds(at), 'webhook-signature': `v1,AAAA v1,${signed}` }
}

function giteeSigned(secret: string, at = now): Record<string, string> {
  const time = String(at.getTime())
  const signed = createHmac('sha256', secret).update(`${time}\n${secret}`).digest('base64')
  return { 'x-gitee-timestamp': time, 'x-gitee-token': signed }
}

const ways: [string, Forge, (secret: string) => Record<string, string>][] = [
  ['GitHub signs', github, (secret) => ({ 'x-hub-signature-256': `sha256=${hex(secret)}` })],
  ['GitLab says it', gitlab, (secret) => ({ 'x-gitlab-token': secret })],
  ['GitLab signs', gitlab, standard],
  ['Gitea signs', gitea, (secret) => ({ 'x-gitea-signature': hex(secret) })],
  ['Forgejo signs', gitea, (secret) => ({ 'x-forgejo-signature': hex(secret) })],
  ['Gitea signs as GitHub', gitea, (secret) => ({ 'x-hub-signature-256': `sha256=${hex(secret)}` })],
  ['Bitbucket signs', bitbucket, (secret) => ({ 'x-hub-signature': `sha256=${hex(secret)}` })],
  ['Gitee says it', gitee, (secret) => ({ 'x-gitee-token': secret })],
  ['Gitee signs', gitee, giteeSigned],
  [
    'Gitee signs as documented',
    gitee,
    (secret) => {
      const headers = giteeSigned(secret)
      return { ...headers, 'x-gitee-token': encodeURIComponent(headers['x-gitee-token']!) }
    },
  ],
  ['a git hook says it', git, (secret) => ({ authorization: `Bearer ${secret}` })],
  ['a git hook signs', git, (secret) => ({ 'x-ansflow-signature': `sha256=${hex(secret)}` })],
]

test.each(ways)('%s', (_, forge, headersWith) => {
  const is = (headers: Record<string, string>, secret: string) => forge.isSigned(headers, body, secret, now)
  expect(is(headersWith('right'), 'right')).toBe(true)
  expect(is(headersWith('right'), 'wrong')).toBe(false)
  expect(is(headersWith('wrong'), 'right')).toBe(false)
  expect(is({}, 'right')).toBe(false)
  for (const name of Object.keys(headersWith('right'))) {
    expect(is({ ...headersWith('right'), [name]: '' }, 'right'), name).toBe(false)
  }
})

test.each(forges.map((forge) => [forge] as const))('an empty secret is nobody’s: $deliveryHeader', (forge) => {
  for (const [, of, headersWith] of ways) {
    if (of === forge) expect(forge.isSigned(headersWith(''), body, '', now)).toBe(false)
  }
  expect(forge.isSigned({}, body, '', now)).toBe(false)
})

test('what is signed is the body', () => {
  for (const [, forge, headersWith] of ways.filter(([name, forge]) => name.includes('signs') && forge !== gitee)) {
    expect(forge.isSigned(headersWith('right'), Buffer.from('{"a":2}'), 'right', now)).toBe(false)
  }
})

test('a time that is long ago, or far ahead, is none', () => {
  for (const [forge, signedAt] of [[gitlab, standard] as const, [gitee, giteeSigned] as const]) {
    const at = (ms: number) => forge.isSigned(signedAt('right', new Date(now.getTime() + ms)), body, 'right', now)
    expect([at(-3_599_000), at(3_599_000), at(-3_601_000), at(3_601_000)]).toEqual([true, true, false, false])
  }
})

test('a key in base64 is one', () => {
  const secret = `whsec_${Buffer.from('k'.repeat(32)).toString('base64')}`
  expect(gitlab.isSigned(standard(secret), body, secret, now)).toBe(true)
})
