// Variables and folders that steps set for those that need them.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits } from '@ansflow/proto/limits'
import { atOnce } from '@ansflow/proto/pieces'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { reasonText } from '@ansflow/proto/reasons'
import { JobStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { LockLines } from '../../test/lock-lines.ts'
import * as world from '../../test/world.ts'
import { planRun } from '../plan.ts'

function begun(file: string) {
  const { graph, problems } = parsePipeline(`name: x\n${file.trim()}\n`)
  expect(problems.filter(({ severity }) => severity === Severity.ERROR).map(({ message }) => message)).toEqual([])
  const state = atOnce(planRun(graph, {}, world.testMeta(), world.epochStart))
  const run: world.World = {
    state,
    now: world.epochStart,
    log: [],
    locks: new LockLines(0),
    check: noteJobs,
    restart: world.restart,
  }
  jobs.clear()
  world.apply(run, { type: 'started' })
  return run
}

const jobs = new Map<string, { env: Record<string, string>; path: string[] }>()
const noteJobs: world.World['check'] = ({ newJobs }) => {
  for (const { job, spec } of newJobs) {
    const env = Object.fromEntries(spec.env.map(({ name, value }) => [name, value]))
    jobs.set(job.step.id, { env, path: spec.path })
  }
}

function end(
  run: world.World,
  id: string,
  env: Record<string, string> = {},
  path: string[] = [],
  outcome = Outcome.SUCCEEDED,
) {
  const job = run.state.steps.get(id)!.attempts.at(-1)!
  while (job.status !== JobStatus.RUNNING) world.proceed(run, job)
  world.apply(run, { type: 'jobFinished', jobId: job.id, epoch: job.epoch, outcome, exports: { env, path } })
}

test('they reach the steps behind, however far, and no others', () => {
  const run = begun(`
steps:
  a: { run: x }
  b: { needs: [a], run: x }
  c: { needs: [b], run: x, when: "\${{ env.SET == '1' }}", env: { SET: own } }
  other: { run: x }
  late: { needs: [other], run: x }`)
  end(run, 'a', { SET: '1', OTHER: 'a' }, ['/opt/a/bin'])
  end(run, 'b')
  end(run, 'other')
  expect(jobs.get('b')).toMatchObject({ env: { SET: '1', OTHER: 'a' }, path: ['/opt/a/bin'] })
  expect(jobs.get('c')).toBeUndefined()
  expect(jobs.get('late')!.env).not.toHaveProperty('SET')
  expect(jobs.get('late')!.path).toEqual([])
})

test("the step's own variable wins over them, and they over the pipeline's; expressions see the same", () => {
  const run = begun(`
env: { A: pipeline, B: pipeline, C: pipeline }
steps:
  a: { run: x }
  b: { needs: [a], run: x, env: { A: "own \${{ env.A }}", SEEN: "\${{ env.A }} \${{ env.B }} \${{ env.C }}" } }`)
  end(run, 'a', { A: 'set', B: 'set' })
  expect(jobs.get('b')!.env).toMatchObject({ A: 'own set', B: 'set', C: 'pipeline', SEEN: 'own set set pipeline' })
})

test('of two that do not need each other the later in the file wins, whichever ends last; one that needs the other wins over it', () => {
  const file = `
steps:
  late: { needs: [early], run: x }
  early: { run: x }
  one: { run: x }
  two: { run: x }
  all: { needs: [two, one, late, early], run: x }`
  for (const order of [
    ['one', 'two'],
    ['two', 'one'],
  ]) {
    const run = begun(file)
    end(run, 'early', { E: 'early' }, ['/early'])
    end(run, 'late', { E: 'late' }, ['/late'])
    for (const id of order) end(run, id, { X: id }, [`/${id}`, `/${id}/2`])
    expect(jobs.get('all')!.env).toMatchObject({ E: 'late', X: 'two' })
    expect(jobs.get('all')!.path).toEqual(['/late', '/two/2', '/two', '/one/2', '/one', '/early'])
  }
})

test('folders are for the same workspace; a skipped step hands on what came to it', () => {
  const run = begun(`
steps:
  a: { run: x, workspace: w }
  skipped: { needs: [a], run: x, when: "false" }
  same: { needs: [{ step: skipped, on: always }], run: x, workspace: w }
  other: { needs: [{ step: skipped, on: always }], run: x }
  alone: { needs: [{ step: skipped, on: always }], run: x, workspace: isolated }`)
  end(run, 'a', { SET: '1' }, ['/a'])
  expect(['same', 'other', 'alone'].map((id) => [jobs.get(id)!.env.SET, jobs.get(id)!.path])).toEqual([
    ['1', ['/a']],
    ['1', []],
    ['1', []],
  ])
})

test('of copies the last wins, and each gets what came to its step', () => {
  const run = begun(`
steps:
  a: { run: x }
  m: { needs: [a], run: x, matrix: { n: [0, 1] } }
  b: { needs: [m], run: x }`)
  end(run, 'a', { SET: 'a', KEPT: 'a' })
  expect(jobs.get('m.1')!.env).toMatchObject({ SET: 'a' })
  end(run, 'm.1', { SET: 'one' })
  end(run, 'm.0', { SET: 'zero' })
  expect(jobs.get('b')!.env).toMatchObject({ SET: 'one', KEPT: 'a' })
})

test('what a failed step has set reaches those that run all the same, also after a restart', () => {
  const run = begun(`
steps:
  a: { run: x, allowFailure: true }
  b: { needs: [a], run: x }
  c: { needs: [b], run: x }`)
  end(run, 'a', { SET: '1' }, [], Outcome.FAILED)
  run.state = world.restart(run.state)
  end(run, 'b')
  expect(jobs.get('c')!.env).toMatchObject({ SET: '1' })
})

test('more variables than there may be end the step with the reason', () => {
  const names = Array.from({ length: 6 }, (_, i) => `s${i}`)
  const run = begun(`
steps:
  ${names.map((id) => `${id}: { run: x }`).join('\n  ')}
  all: { needs: [${names.join(', ')}], run: x }`)
  for (const id of names) {
    end(run, id, Object.fromEntries(Array.from({ length: limits.exportsOfAStep }, (_, i) => [`${id}_${i}`, 'x'])))
  }
  expect(jobs.get('all')).toBeUndefined()
  expect(reasonText(run.state.steps.get('all')!.reason!)).toContain(String(limits.env))
})
