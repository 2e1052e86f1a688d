// Rules on whole graphs, also where no file is involved, and the time they take.
import { type PipelineGraph, PipelineGraphSchema, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { someGraph } from './graph.arbitrary.ts'
import { ancestors } from './graph.ts'
import { hostVariables, readOnlyVariables, runVariables } from './step-variables.ts'
import { validateGraph } from './validate.ts'

type Steps = NonNullable<MessageInitShape<typeof PipelineGraphSchema>['steps']>

function graph(steps: Steps, rest: MessageInitShape<typeof PipelineGraphSchema> = {}): PipelineGraph {
  const whole = steps.map((step) => ({ uses: 'custom', with: { script: 'x' }, ...step }))
  return create(PipelineGraphSchema, { name: 'x', ...rest, steps: whole } as MessageInitShape<
    typeof PipelineGraphSchema
  >)
}

const codes = (of: PipelineGraph) => validateGraph(of).map((each) => `${each.code} ${each.stepId}/${each.field}`)

describe('validateGraph', () => {
  it('finds nothing wrong with a good graph', () => {
    const steps = [
      { id: 'a', outputs: ['o'] },
      { id: 'b', needs: [{ stepId: 'a' }], when: 'steps.a.outputs.o == "1"' },
    ]
    expect(codes(graph(steps))).toEqual([])
  })

  it.each<[string, PipelineGraph, string[]]>([
    ['no steps', graph([]), ['empty /steps']],
    ['no name', graph([{ id: 'a' }], { name: '' }), ['name /name']],
    ['an id twice', graph([{ id: 'a' }, { id: 'a' }]), ['duplicate_step a/']],
    [
      'what is for agents, of a step that none runs',
      graph([{ id: 'a', uses: 'wait', with: { duration: '1s' }, runsOn: ['gpu'], workspace: 'w', onLost: 2 }]),
      ['no_effect a/runsOn', 'no_effect a/workspace', 'no_effect a/onLost'],
    ],
    [
      'what a wait does nothing with',
      graph([
        {
          id: 'a',
          uses: 'wait',
          with: { duration: '${{ env.LONG }}' },
          env: [
            { name: 'LONG', value: '1h' },
            { name: 'B', value: 'x' },
          ],
          secrets: ['S'],
          retry: { max: 2 },
          timeoutMs: 1000,
          allowFailure: true,
        },
      ]),
      ['no_effect a/env', 'no_effect a/secrets', 'no_effect a/retry'],
    ],
    [
      'what a request does nothing with, and a variable that its address reads',
      graph([
        {
          id: 'a',
          uses: 'http_request',
          with: { url: 'https://${{ env.HOST }}/' },
          env: [{ name: 'HOST', value: 'x.example' }],
          outputs: ['id'],
          retry: { max: 2 },
          timeoutMs: 1000,
        },
      ]),
      ['no_effect a/outputs'],
    ],
    [
      'code of no address, in a pipeline that nothing in a repository starts',
      graph([{ id: 'a', uses: 'fetch_code', with: {} }]),
      ['fetch_needs_repository a/with.url'],
    ],
    [
      'code of no address, in one that a push starts',
      graph([{ id: 'a', uses: 'fetch_code', with: {} }], { triggers: { push: {} } }),
      [],
    ],
    ['no type', graph([{ id: 'a', uses: '' }]), ['unknown_step_type a/uses']],
    [
      'an output of a type',
      graph([
        { id: 'a', uses: 'fetch_code', with: { url: '/a' } },
        { id: 'b', needs: [{ stepId: 'a' }], when: 'steps.a.outputs.commit != ""' },
      ]),
      [],
    ],
    [
      'a step that is not upstream',
      graph([{ id: 'a' }, { id: 'b', when: 'steps.a.status == "failed"' }]),
      ['not_upstream b/when'],
    ],
    ['itself', graph([{ id: 'a', when: 'steps.a.status == ""' }]), ['not_upstream a/when']],
    [
      'what it sets itself, in the address of its environment alone',
      graph([
        {
          id: 'a',
          outputs: ['url'],
          environment: { name: 'p', url: 'https://${{ steps.a.outputs.url }}.test/${{ steps.a.outputs.no }}' },
        },
        {
          id: 'b',
          outputs: ['url'],
          environment: { name: '${{ steps.b.outputs.url }}', url: '${{ steps.b.status }}' },
        },
      ]),
      ['unknown_output a/environment.url', 'not_upstream b/environment', 'not_upstream b/environment.url'],
    ],
    [
      'all steps',
      graph([{ id: 'a' }, { id: 'b', needs: [{ stepId: 'a' }], when: 'size(steps) > 1' }]),
      ['unknown_reference b/when'],
    ],
    [
      'a step by a computed name',
      graph([{ id: 'a', when: 'steps[inputs.x].status == ""' }], { inputs: [{ name: 'x' }] }),
      ['unknown_reference a/when'],
    ],
    ['status in a parameter', graph([{ id: 'a', with: { script: '${{ success() }}' } }]), ['expression a/with.script']],
    [
      'steps in the pipeline’s env',
      graph([{ id: 'a' }], { env: [{ name: 'A', value: '${{ steps.a.status }}' }] }),
      ['not_upstream /env.A'],
    ],
    [
      'unknown fields',
      graph([{ id: 'a', when: 'run.nmber == run.no' }]),
      ['unknown_reference a/when', 'unknown_reference a/when'],
    ],
    ['git, which nothing fetches', graph([{ id: 'a', when: 'git.branch != "main"' }]), ['git_empty a/when']],
    [
      'git anywhere',
      graph([{ id: 'a', with: { script: 'x ${{ git.tag }}' }, env: [{ name: 'A', value: '${{ git.commit }}' }] }]),
      ['git_empty a/env.A', 'git_empty a/with.script'],
    ],
    [
      'git before, in and after the checkout',
      graph([
        { id: 'a', when: 'git.branch == "main"' },
        { id: 'c', uses: 'fetch_code', with: { url: '/a', ref: '${{ git.commit }}' } },
        { id: 'd', needs: [{ stepId: 'c' }], when: 'git.pullRequest == ""' },
        { id: 'e', needs: [{ stepId: 'd' }], when: 'git.branch.x == "" || git.brunch == ""' },
      ]),
      ['unknown_reference e/when', 'unknown_reference e/when', 'git_empty a/when'],
    ],
    [
      'texts that cannot be stored',
      graph([
        { id: 'a', name: 'x\ud83d', env: [{ name: 'A', value: 'a\0' }] },
        { id: 'b', when: '"\0" == ""' },
      ]),
      ['characters a/name', 'characters b/when'],
    ],
    [
      'a deep reference',
      graph([{ id: 'a', when: 'inputs.x.y == 1' }], { inputs: [{ name: 'x' }] }),
      ['unknown_reference a/when'],
    ],
    [
      'a wrong edge condition',
      graph([{ id: 'a' }, { id: 'b', needs: [{ stepId: 'a', condition: 'inputs.x' }] }]),
      ['unknown_reference b/needs.a.if'],
    ],
    ['an empty choice', graph([{ id: 'a' }], { inputs: [{ name: 'x', type: 4 }] }), ['input_options /inputs.x']],
    [
      'a secret that is in env',
      graph([{ id: 'a', secrets: ['S'], env: [{ name: 'S', value: '' }] }]),
      ['shadowed a/env.S'],
    ],
    [
      'a name written as a secret’s that the step does not list',
      graph([
        {
          id: 'a',
          uses: 'http_request',
          secrets: ['S'],
          with: { url: 'https://x.example/?k=${S}&t=${T}', headers: { A: '${T} ${{ run.number }}', B: '${U}' } },
        },
      ]),
      ['secret_not_named a/with.url', 'secret_not_named a/with.headers', 'secret_not_named a/with.headers'],
    ],
    [
      'folders that a PATH cannot mean',
      graph([{ id: 'a', env: [{ name: 'PATH', value: '/opt/x:$PATH' }] }], {
        env: [{ name: 'PATH', value: '${HOME}/bin:/bin' }],
      }),
      ['env_path /env.PATH', 'env_path a/env.PATH'],
    ],
    [
      'a PATH of whole folders, a $ in another variable',
      graph([{ id: 'a', env: [{ name: 'PATH', value: '${{ env.ROOT }}/bin:/bin' }] }], {
        env: [{ name: 'ROOT', value: '/opt/$x' }],
      }),
      [],
    ],
  ])('%s', (_, of, expected) => {
    expect(codes(of)).toEqual(expected)
  })

  it.each<[string, string[][], string[]]>([
    ['linux and mac', [['linux', 'big'], ['mac']], ['workspace_labels b/runsOn', 'agent_labels g/runsOn']],
    ['one with all', [['linux', 'big', 'mac', 'x']], []],
    [
      'none',
      [],
      ['workspace_labels b/runsOn', 'agent_labels c/runsOn', 'agent_labels e/runsOn', 'agent_labels g/runsOn'],
    ],
  ])('agents: %s', (_, agents, expected) => {
    const of = graph([
      { id: 'a', runsOn: ['linux'] },
      { id: 'b', runsOn: ['mac', 'linux'] },
      { id: 'c', runsOn: ['linux', 'big'], workspace: 'other' },
      { id: 'd', workspace: 'other' },
      { id: 'e', runsOn: ['mac'], workspace: 'isolated' },
      { id: 'f' },
      { id: 'g', runsOn: ['mac', 'big'], workspace: 'isolated' },
      { id: 'h', runsOn: ['nowhere'], disabled: true },
    ])
    expect(validateGraph(of, agents).map((each) => `${each.code} ${each.stepId}/${each.field}`)).toEqual(expected)
    expect(codes(of)).toEqual([])
  })

  it.each([...runVariables, ...hostVariables, ...readOnlyVariables, 'PWD', 'IFS'])('keeps %s to itself', (name) => {
    const of = graph(
      [
        { id: 'a', env: [{ name, value: '' }] },
        { id: 'b', secrets: [name] },
      ],
      {
        env: [{ name, value: '' }],
      },
    )
    expect(codes(of)).toEqual([`env_reserved /env.${name}`, `env_reserved a/env.${name}`, 'env_reserved b/secrets'])
    expect(validateGraph(of)[0]!.message).toContain(`${name} is set by`)
  })

  it.each(['CI', 'PATH', 'HOME', 'LANG', 'TMP', 'ANSFLOW_DATA'])('leaves %s to the pipeline', (name) => {
    const of = graph([
      { id: 'a', env: [{ name, value: '/x' }] },
      { id: 'b', secrets: [name] },
    ])
    expect(codes(of)).toEqual([])
  })

  it('says how to write an id with a hyphen', () => {
    const [problem] = validateGraph(
      graph([{ id: 'my-step' }, { id: 'b', needs: [{ stepId: 'my-step' }], when: 'steps.my.status == ""' }]),
    )
    expect(problem!.message).toContain('steps["my-step"]')
  })

  it.each([
    ['steps.http-request.outputs.x == "1"', 'steps["http-request"].outputs.x'],
    ['steps.http-run.outputs.x == "1"', 'steps["http-run"].outputs.x'],
    ['inputs.n + 1 > 2 && steps.part-2 == "x"', 'steps["part-2"]'],
  ])('says how to write the name that %s means', (when, written) => {
    const ids = ['http-request', 'http-run', 'part-2']
    const steps = [
      ...ids.map((id) => ({ id, outputs: ['x'] })),
      { id: 'z', needs: ids.map((stepId) => ({ stepId })), when },
    ]
    const problems = validateGraph(graph(steps, { inputs: [{ name: 'n', type: 2 }] }))
    expect(problems.map(({ stepId, field }) => `${stepId}/${field}`)).toEqual(['z/when'])
    expect(problems[0]!.message).toContain(`the hyphen is read as minus. Write ${written}.`)
  })

  it('leaves subtractions alone', () => {
    const inputs = [
      { name: 'a', type: 2 },
      { name: 'b', type: 2 },
    ]
    const when = 'inputs.a-inputs.b > 1 && inputs.a-1.5 > 0 && inputs.a-run.number > 0'
    expect(codes(graph([{ id: 'x', when }], { inputs }))).toEqual([])
  })

  it('agrees with plain reachability on which steps may be read', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f']
    const some = fc
      .tuple(...ids.map((_, i) => fc.subarray(ids.slice(0, i))))
      .chain((needs) =>
        fc.tuple(
          fc.constant(needs),
          fc.array(fc.tuple(fc.constantFrom(...ids), fc.constantFrom(...ids)), { maxLength: 6 }),
        ),
      )
    fc.assert(
      fc.property(some, ([needs, reads]) => {
        const steps = ids.map((id, i) => ({
          id,
          needs: needs[i]!.map((stepId) => ({ stepId })),
          env: reads
            .filter(([from]) => from === id)
            .map(([, to], n) => ({ name: `V${n}`, value: `\${{ steps.${to}.status }}` })),
        }))
        const of = graph(steps)
        const wrong = reads.filter(([from, to]) => !ancestors(of.steps, from).has(to)).length
        expect(validateGraph(of).filter((each) => each.code === 'not_upstream')).toHaveLength(wrong)
      }),
    )
  })

  it('answers for every graph, each problem a sentence with a code', () => {
    fc.assert(
      fc.property(someGraph, (of) => {
        for (const problem of validateGraph(of)) {
          expect(problem.code).toMatch(/^[a-z_]+$/)
          expect(problem.message).toMatch(/[.!?]$/)
          expect([Severity.ERROR, Severity.WARNING]).toContain(problem.severity)
        }
      }),
    )
  })

  it('takes time in proportion: 10 000 steps in a chain, each reading the first', () => {
    const time = (count: number) => {
      const steps = Array.from({ length: count }, (_, i) => ({
        id: `s${i}`,
        needs: i === 0 ? [] : [{ stepId: `s${i - 1}` }],
        when: i === 0 ? '' : `steps.s${i >> 1}.status == "succeeded"`,
      }))
      const of = graph(steps)
      const started = performance.now()
      expect(validateGraph(of)).toEqual([])
      return performance.now() - started
    }
    time(500)
    expect(time(10_000)).toBeLessThan(Math.max(60 * time(1000), 10_000))
    expect(codes(graph(Array.from({ length: 10_001 }, (_, i) => ({ id: `s${i}` }))))).toEqual(['limit /steps'])
  }, 60_000)
})
