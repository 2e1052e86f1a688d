// One of each that has an interface.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { startFakeBitbucket } from './fake-bitbucket.ts'
import type { FakeForge } from './fake-forge.ts'
import { startFakeGitea } from './fake-gitea.ts'
import { startFakeGitee } from './fake-gitee.ts'
import { startFakeGithub } from './fake-github.ts'
import { startFakeGitlab } from './fake-gitlab.ts'

/** A repository acme/shop is in each, with the pull request 7 from a fork. */
export const fakeForges: ReadonlyMap<ForgeKind, (token: string) => Promise<FakeForge>> = new Map([
  [ForgeKind.GITHUB, startFakeGithub],
  [ForgeKind.GITLAB, startFakeGitlab],
  [ForgeKind.GITEA, startFakeGitea],
  [ForgeKind.BITBUCKET, startFakeBitbucket],
  [ForgeKind.GITEE, startFakeGitee],
])
