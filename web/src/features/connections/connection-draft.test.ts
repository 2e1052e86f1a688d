import { CredentialKind, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { describe, expect, it } from 'vitest'
import { credentialsOf, isWhole, nameOf, newDraft, withKind } from './connection-draft.ts'

describe('a connection that is being made', () => {
  it('keeps what was typed where another kind takes it too, and begins as that kind does else', () => {
    expect(withKind(newDraft(), ForgeKind.GIT).credentialKind).toBe(CredentialKind.NONE)
    const app = { ...newDraft(), credentialKind: CredentialKind.APP, privateKey: 'key' }
    expect(withKind(app, ForgeKind.GITLAB).credentialKind).toBe(CredentialKind.TOKEN)
    const token = { ...newDraft(), url: 'https://github.example.test', token: 'abc' }
    expect(withKind(token, ForgeKind.GIT)).toMatchObject({
      credentialKind: CredentialKind.TOKEN,
      token: 'abc',
      url: '',
    })
  })

  it('is called as where it leads', () => {
    expect(nameOf(newDraft())).toBe('github.com')
    expect(nameOf({ ...newDraft(ForgeKind.GIT), url: 'ssh://git@git.example.test:2222/srv' })).toBe('git.example.test')
    expect(nameOf({ ...newDraft(), name: ' ours ' })).toBe('ours')
    expect(nameOf(newDraft(ForgeKind.GITEA))).toBe('')
  })

  it('is whole with an address and all that its credentials consist of', () => {
    expect(isWhole(newDraft())).toBe(false)
    expect(isWhole({ ...newDraft(), token: 'abc' })).toBe(true)
    expect(isWhole({ ...newDraft(ForgeKind.GITEA), token: 'abc' })).toBe(false)
    expect(isWhole({ ...newDraft(ForgeKind.GIT), url: 'https://git.example.test' })).toBe(true)
  })

  it('sends credentials of the chosen kind only', () => {
    const draft = { ...newDraft(ForgeKind.GIT), user: ' bot ', token: 'abc ', privateKey: 'key' }
    expect(credentialsOf(draft)).toBeUndefined()
    const sent = credentialsOf({ ...draft, credentialKind: CredentialKind.TOKEN })
    expect(sent?.kind).toMatchObject({ case: 'token', value: { user: 'bot', token: 'abc' } })
  })
})
