// What pipelines of well-known projects say, said as a pipeline of ours (e2e/pipelines), and run: their tools are stand-ins that
// say how they were called, everything else is real.
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ApprovalDecision, ApprovalService, ApprovalStatus } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RunStatus, StepStatus } from '@ansflow/proto/status'
import type { JsonObject } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, runCommand } from '../../deploy/dev/run-command.ts'
import { type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

const tools =
  `npm npx nvm lcov rustup cargo cross python3.12 python3.11 python3.10 python3.9 python3.8 pythonpypy-3.10 tox goenv go pip
  apt-get staticcheck sass mage make mvn addlicense codecov bazel buildifier docker reprepro gh`.split(/\s+/)
const scripts = [
  'ci/test-complete',
  'runtest',
  'runtest-moduleapi',
  'runtest-sentinel',
  'runtest-cluster',
  'script/release',
]
const standIn = '#!/bin/sh\necho "called: $(basename "$0") $*"\n'
const images = '[{"name":"16-bookworm","folder":"16/bookworm"},{"name":"17-alpine","folder":"17/alpine"}]'

let folder: string
let repository: string
let system: System
const path = process.env.PATH
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ansflow-well-known-'))
  for (const tool of tools) await program(join(folder, 'bin', tool), standIn)
  repository = join(folder, 'repository')
  for (const script of scripts) await program(join(repository, script), standIn)
  await program(join(repository, '.gitlab-ci/test-docker.sh'), 'echo "called: test-docker.sh"\n')
  await program(join(repository, 'generate-jobs.sh'), `#!/bin/sh\necho '${images}'\n`)
  for (const stack of ['webpack', 'esbuild']) await program(join(repository, 'test/bundler', stack, 'index.js'), '')
  const git = (...words: string[]) =>
    runCommand('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.test', ...words])
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', '.')
  await git('commit', '--quiet', '-m', 'what the pipelines call')
  await git('branch', 'master')
  process.env.PATH = `${join(folder, 'bin')}:${path}`
  system = await startSystem({ slots: 4 })
})
afterAll(async () => {
  process.env.PATH = path
  await system?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function program(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  await chmod(file, 0o755)
}

interface WellKnown {
  inputs?: JsonObject
  /** How many of each step ended how: one without a matrix is one. */
  steps: Record<string, Partial<Record<'succeeded' | 'skipped' | 'failed', number>>>
  /** What some of them called, in order. */
  called: Record<string, string[]>
}

const one = { succeeded: 1 }
const wellKnown: Record<string, WellKnown> = {
  fastify: {
    inputs: { systems: '["linux"]' },
    steps: {
      checkout: one,
      licenses: one,
      lint: one,
      coverage: one,
      unit: { succeeded: 4 },
      typescript: one,
      package: one,
    },
    called: {
      licenses: [
        'npm install --ignore-scripts',
        'npx license-checker --production --summary --onlyAllow=0BSD;Apache-2.0;BSD-2-Clause;BSD-3-Clause;ISC;MIT;',
      ],
      'unit.3': ['npm install --ignore-scripts', 'npm run unit'],
      package: ['npm install', 'npm run test', 'npm install', 'npm run test'],
    },
  },
  express: {
    steps: { test: { succeeded: 10 }, coverage: one },
    called: {
      'test.0': [
        'nvm install --default 10.24',
        'npm config set package-lock false',
        'npm install --save-dev mocha@8.4.0',
        'npm rm --silent --save-dev eslint',
        'npm install',
        'npm run test-ci',
      ],
      'test.9': ['nvm install --default 19.9', 'npm config set package-lock false', 'npm install', 'npm run test-ci'],
      coverage: [
        'lcov -o lcov.info 10.24.lcov 11.15.lcov 12.22.lcov 13.14.lcov 14.20.lcov 15.14.lcov 16.20.lcov 17.9.lcov 18.17.lcov 19.9.lcov',
      ],
    },
  },
  ripgrep: {
    inputs: { systems: 'linux' },
    steps: { test: { succeeded: 12, skipped: 3 }, checkout: one, wasm: one, rustfmt: one, docs: one },
    called: {
      'test.0': [
        'rustup default 1.79.0',
        'cargo build --verbose --workspace',
        'cargo build --verbose --workspace --features pcre2',
        'cargo test --verbose --workspace --features pcre2',
        'test-complete',
      ],
      'test.6': [
        'rustup default stable',
        'cross build --verbose --workspace --target aarch64-unknown-linux-gnu',
        'cross build --verbose --workspace --features pcre2 --target aarch64-unknown-linux-gnu',
        'cross test --verbose --workspace --target aarch64-unknown-linux-gnu',
      ],
    },
  },
  flask: {
    inputs: { systems: 'linux' },
    steps: { tests: { succeeded: 9, skipped: 2 } },
    called: { 'tests.7': ['pythonpypy-3.10 -m pip install tox', 'tox run -e pypy310'] },
  },
  hugo: {
    inputs: { systems: '["linux"]' },
    steps: { test: { succeeded: 2 } },
    called: {
      'test.1': [
        'goenv install 1.22.x',
        'go install github.com/magefile/mage@v1.15.0',
        'pip install docutils',
        'apt-get install -y pandoc',
        'go install honnef.co/go/tools/cmd/staticcheck@latest',
        'staticcheck ./...',
        'sass --version',
        'mage -v check',
        'go install -tags extended,nodeploy',
        'go install',
      ],
    },
  },
  redis: {
    steps: {
      ...Object.fromEntries(
        ['build', 'test', 'modules', 'sentinel', 'cluster'].flatMap((id) => [
          [`plain/${id}`, one],
          [`sanitized/${id}`, one],
        ]),
      ),
      'other-builds': { succeeded: 2 },
    },
    called: {
      'plain/build': ['make REDIS_CFLAGS=-Werror BUILD_TLS=yes'],
      'sanitized/build': ['make REDIS_CFLAGS=-Werror SANITIZER=address'],
      'sanitized/cluster': ['runtest-cluster'],
      'other-builds.1': ['make REDIS_CFLAGS=-Werror MALLOC=libc'],
    },
  },
  jenkins: {
    inputs: { systems: '["linux"]' },
    steps: { record: one, build: { succeeded: 2 }, publish: one },
    called: { publish: ['mvn deploy -Dchangelist=rc-21'] },
  },
  woodpecker: {
    inputs: { event: 'push' },
    steps: {
      checkout: one,
      vendor: one,
      'lint-pipeline': { skipped: 1 },
      'dummy-web': one,
      lint: { skipped: 1 },
      'check-openapi': { skipped: 1 },
      'license-header': { skipped: 1 },
      test: one,
      sqlite: one,
      codecov: one,
    },
    called: { test: ['make test-agent', 'make test-server', 'make test-cli', 'make test-lib'] },
  },
  gtk: { steps: { build: one, 'msys2-mingw32': { skipped: 1 } }, called: { build: ['test-docker.sh'] } },
  'bazel-skylib': {
    steps: { tests: { succeeded: 8 }, buildifier: one },
    called: {
      'tests.0': ['bazel build --incompatible_remap_main_repo -- ...', 'bazel test --test_env=PATH -- ...'],
      'tests.7': [
        'bazel build --incompatible_remap_main_repo -- ...',
        'bazel test --test_env=PATH -- ... -//tests:analysis_test_e2e_test -//tests:unittest_e2e_test',
      ],
    },
  },
  'docker-library-postgres': {
    steps: { checkout: one, 'generate-jobs': one, test: { succeeded: 2 } },
    called: {
      'test.1': [
        'docker build --tag postgres:17-alpine 17/alpine',
        'docker history postgres:17-alpine',
        'docker run --rm postgres:17-alpine postgres --version',
      ],
    },
  },
  'cli-release': {
    inputs: { tag: 'v2.50.0', platforms: 'linux' },
    steps: { linux: one, macos: { skipped: 1 }, windows: { skipped: 1 }, 'sign-off': one, release: one },
    called: {
      linux: ['release --local v2.50.0 --platform linux', 'go run ./cmd/gen-docs --website --doc-path dist/manual'],
      release: ['reprepro includedeb stable dist/cli.deb', 'gh release create v2.50.0 --generate-notes'],
    },
  },
}

test.each(Object.entries(wellKnown))(
  'the pipeline of %s says and does what it says there',
  async (name, { inputs, steps, called }) => {
    const { pipelineId } = await system.pipeline(await readFile(join(root, 'e2e/pipelines', `${name}.yaml`), 'utf8'))
    const runId = await system.start(pipelineId, { repository, ...inputs })
    if ('sign-off' in steps) await approve(runId)
    const run = await system.ended(runId)
    expect(RunStatus[run.status], `${run.reason} ${await logOfFailed(run)}`).toBe('SUCCEEDED')
    expect(endings(run)).toEqual(steps)
    for (const [id, lines] of Object.entries(called)) {
      const log = await system.wholeLog(runId, id)
      expect(
        [...log.matchAll(/^called: (.*?) *$/gm)].map(([, line]) => line),
        id,
      ).toEqual(lines)
    }
  },
)

test('a second release of a tag takes the place of one that waits for its sign-off', async () => {
  const { pipelineId } = await system.pipeline(await readFile(join(root, 'e2e/pipelines/cli-release.yaml'), 'utf8'))
  const inputs = { repository, ...wellKnown['cli-release']!.inputs }
  const first = await system.start(pipelineId, inputs)
  await waitingApproval(first)
  const second = await system.start(pipelineId, inputs)
  expect(RunStatus[(await system.ended(first)).status]).toBe('CANCELED')
  await approve(second)
  expect(RunStatus[(await system.ended(second)).status]).toBe('SUCCEEDED')
})

function endings(run: Run) {
  const ended: Record<string, Record<string, number>> = {}
  for (const { id, copyOf, copies, status } of run.steps) {
    if (copies > 0) continue
    const word = StepStatus[status].toLowerCase()
    ended[copyOf || id] ??= {}
    ended[copyOf || id]![word] = (ended[copyOf || id]![word] ?? 0) + 1
  }
  return ended
}

async function logOfFailed(run: Run): Promise<string> {
  const failed = run.steps.find(({ status, copies }) => status === StepStatus.FAILED && copies === 0)
  return failed ? `${failed.id}: ${failed.reason}\n${await system.log(run.id, failed.id).catch(String)}` : ''
}

async function waitingApproval(runId: string): Promise<string> {
  const waiting = async () => {
    const { approvals } = await system.client(ApprovalService).listApprovals({ runId })
    return approvals.find(({ status }) => status === ApprovalStatus.WAITING)
  }
  return (await waitFor(waiting, { what: 'somebody is asked', timeoutMs: 60_000 })).id
}

async function approve(runId: string): Promise<void> {
  const approvalId = await waitingApproval(runId)
  await system.client(ApprovalService).decide({ approvalId, decision: ApprovalDecision.APPROVE })
}
