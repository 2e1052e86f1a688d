import { reasonText } from '@ansflow/proto/reasons'
import { describe, expect, test } from 'vitest'
import { explainWait } from './explain.ts'
import { type AgentView, type Candidate, pickJob, shareOf } from './pick-job.ts'

const now = new Date('2030-01-01T00:00:00Z')

function candidate(jobId: string, over: Partial<Candidate> = {}): Candidate {
  return {
    jobId,
    runId: 'run',
    projectId: 'p',
    organizationId: 'o',
    priority: 0,
    queuedAt: now,
    availableAt: now,
    labels: [],
    untrusted: false,
    capability: 'shell',
    workspace: 'shared',
    pinnedAgentId: '',
    ...over,
  }
}

function agent(over: Partial<AgentView> = {}): AgentView {
  return {
    id: 'a',
    name: 'Anna',
    organizationId: 'o',
    labels: ['linux'],
    claims: [],
    capabilities: ['shell'],
    takesUntrusted: false,
    slots: 2,
    busy: 0,
    online: true,
    draining: false,
    ...over,
  }
}

describe('pickJob', () => {
  const pick = (view: AgentView, jobs: Candidate[], running: [string, number][] = []) =>
    pickJob(view, jobs, new Map(running), now)?.jobId

  test.each<[string, Partial<AgentView>, Partial<Candidate>, boolean]>([
    ['nothing special', {}, {}, true],
    ['its label', {}, { labels: ['linux'] }, true],
    ['a label it lacks', {}, { labels: ['linux', 'gpu'] }, false],
    ['a capability it lacks', {}, { capability: 'checkout' }, false],
    ['one of two capabilities that it lacks', {}, { capability: 'shell container' }, false],
    ['capabilities that it has', { capabilities: ['shell', 'container'] }, { capability: 'shell container' }, true],
    ['of strangers, whom it does not take', {}, { untrusted: true }, false],
    ['of strangers, whom it takes', { takesUntrusted: true }, { untrusted: true }, true],
    ['trusted, where strangers are taken', { takesUntrusted: true }, {}, true],
    ['another organization', {}, { organizationId: 'other' }, false],
    ['no free slot', { busy: 2 }, {}, false],
    ['offline', { online: false }, {}, false],
    ['draining', { draining: true }, {}, false],
    ['its own workspace', {}, { pinnedAgentId: 'a' }, true],
    ["another agent's workspace", {}, { pinnedAgentId: 'b' }, false],
    ['isolated anywhere', {}, { workspace: 'isolated', pinnedAgentId: 'b' }, true],
    ['not yet available', {}, { availableAt: new Date(now.getTime() + 1) }, false],
  ])('%s', (_, view, job, picked) => {
    expect(pick(agent(view), [candidate('1', job)])).toBe(picked ? '1' : undefined)
  })

  test('priority before fairness before age', () => {
    const older = new Date(now.getTime() - 1000)
    const first = candidate('first', { queuedAt: older })
    const other = candidate('other', { projectId: 'q' })
    const urgent = candidate('urgent', { priority: 1 })
    expect(pick(agent(), [other, first])).toBe('first')
    expect(pick(agent(), [first, other], [['p', 1]])).toBe('other')
    expect(pick(agent(), [first, other, urgent], [['p', 9]])).toBe('urgent')
  })

  test('strangers have a limit of their own, and what runs of theirs stands behind nobody who is trusted', () => {
    const untrusted = true
    const theirs = shareOf({ projectId: 'p', untrusted })
    const limited = (jobs: Candidate[], running: [string, number][]) =>
      pickJob(agent({ takesUntrusted: true }), jobs, new Map(running), now, new Map([['p', 2]]))?.jobId
    expect(limited([candidate('ours')], [[theirs, 2]])).toBe('ours')
    expect(limited([candidate('theirs', { untrusted })], [[theirs, 2]])).toBeUndefined()
    expect(limited([candidate('theirs', { untrusted })], [['p', 2]])).toBe('theirs')
    expect(limited([candidate('ours')], [['p', 2]])).toBeUndefined()

    const open = agent({ takesUntrusted: true })
    const first = candidate('first', { queuedAt: new Date(now.getTime() - 1000) })
    const other = candidate('other', { projectId: 'q' })
    expect(pick(open, [other, first], [[theirs, 9]])).toBe('first')
    expect(pick(open, [{ ...first, untrusted }, other], [['p', 1]])).toBe('other')
    expect(pick(open, [{ ...first, untrusted }, other], [[theirs, 1]])).toBe('other')
  })
})

describe('explainWait', () => {
  test.each<[string, Partial<Candidate>, AgentView[], string]>([
    ['no agent', {}, [], 'No agent is online.'],
    ['none of them online', { labels: ['gpu'] }, [agent({ online: false })], 'No agent is online.'],
    ['another organization', {}, [agent({ organizationId: 'other' })], 'No agent is online.'],
    [
      'those that could are offline',
      { labels: ['gpu'] },
      [agent(), agent({ name: 'Gina', labels: ['gpu'], online: false })],
      'Waits for an agent that can run it to come online: Gina.',
    ],
    [
      'many that could are offline',
      { capability: 'checkout' },
      [agent(), ...'abcd'.split('').map((name) => agent({ name, capabilities: ['checkout'], online: false }))],
      'Waits for an agent that can run it to come online: a, b, c or another.',
    ],
    ['no such label', { labels: ['gpu'], workspace: 'isolated' }, [agent()], 'No agent with the labels gpu is online.'],
    [
      'no agent with the labels of its workspace together',
      { labels: ['mac', 'gpu'], workspace: 'w' },
      [agent({ labels: ['gpu'] }), agent({ labels: ['mac'] })],
      'No agent with the labels gpu, mac is online. Steps of workspace w, which lives on one agent, ask for them.',
    ],
    ['no such capability', { capability: 'checkout' }, [agent()], 'No agent that can run checkout steps is online.'],
    [
      'no container runtime',
      { capability: 'shell container' },
      [agent(), agent({ capabilities: ['container'] })],
      'No agent with a container runtime is online.',
    ],
    [
      'holder without a container runtime',
      { pinnedAgentId: 'a', capability: 'container' },
      [agent()],
      'Agent Anna holds workspace shared but has no container runtime. With a workspace of its own another agent can.',
    ],
    [
      'only said',
      { labels: ['gpu'], workspace: 'isolated' },
      [agent({ claims: ['gpu'] })],
      'No agent with the labels gpu is online. Agent Anna only says so of itself.',
    ],
    [
      'busy',
      { labels: ['linux'] },
      [agent({ busy: 2 })],
      'The one agent with the labels linux is busy. Steps of workspace shared, which lives on one agent, ask for them.',
    ],
    ['all busy', {}, [agent({ busy: 2 }), agent({ busy: 3 })], 'All 2 agents are busy.'],
    ['draining', {}, [agent({ draining: true })], 'All agents are draining.'],
    [
      'of strangers, whom nobody takes',
      { untrusted: true },
      [agent(), agent({ labels: ['mac'], online: false, takesUntrusted: true, capabilities: [] })],
      'Waits for an agent that takes runs of strangers: none that could run it does. Agents says which may; approving the commit lets it run on the others.',
    ],
    [
      'of strangers, whom one takes that is offline',
      { untrusted: true },
      [agent(), agent({ name: 'Olga', online: false, takesUntrusted: true })],
      'Waits for an agent that can run it to come online: Olga.',
    ],
    [
      'of strangers, and nobody has the label',
      { untrusted: true, labels: ['gpu'], workspace: 'isolated' },
      [agent()],
      'No agent with the labels gpu is online.',
    ],
    [
      'holder that takes strangers no more',
      { untrusted: true, pinnedAgentId: 'a' },
      [agent()],
      'Agent Anna holds workspace shared but no longer takes runs of strangers.',
    ],
    [
      'holder full',
      { pinnedAgentId: 'a' },
      [agent({ busy: 2 })],
      'Waits for agent Anna: it holds workspace shared and is full.',
    ],
    [
      'holder offline',
      { pinnedAgentId: 'a' },
      [agent({ online: false }), agent({ id: 'b' })],
      'Waits for agent Anna: it holds workspace shared and is offline.',
    ],
    [
      'holder draining',
      { pinnedAgentId: 'a' },
      [agent({ draining: true })],
      'Waits for agent Anna: it holds workspace shared and is draining.',
    ],
    [
      'holder without the label',
      { pinnedAgentId: 'a', labels: ['gpu'] },
      [agent(), agent({ id: 'b', labels: ['gpu'] })],
      'Agent Anna holds workspace shared but lacks the labels gpu, for which steps of that workspace ask.',
    ],
    [
      'holder without the capability',
      { pinnedAgentId: 'a', capability: 'checkout' },
      [agent()],
      'Agent Anna holds workspace shared but cannot run checkout steps. With a workspace of its own another agent can.',
    ],
    ['about to go', {}, [agent()], 'Waits for an agent.'],
  ])('%s', (_, job, agents, text) => {
    expect(reasonText(explainWait(candidate('1', job), agents))).toBe(text)
  })

  test.each<[string, boolean, string]>([
    ['ours', false, 'Waits for another job of the project to end: at most 2 run at once, as its settings say.'],
    [
      'strangers',
      true,
      'Waits for another job of strangers in the project to end: at most 2 run at once, as its settings say.',
    ],
  ])('the limit of the project: %s', (_, untrusted, text) => {
    const job = candidate('1', { untrusted })
    const wait = (of: Pick<Candidate, 'projectId' | 'untrusted'>) =>
      explainWait(job, [agent({ takesUntrusted: true })], new Map([[shareOf(of), 2]]), new Map([['p', 2]]))
    expect(reasonText(wait(job))).toBe(text)
    expect(wait({ ...job, untrusted: !untrusted }).code).toBe('queued')
  })
})
