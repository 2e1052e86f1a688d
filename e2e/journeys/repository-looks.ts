// The pages of repositories and connections, with something on each.
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProposalService, ProposalWay } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import type { System } from '../setup/system.ts'
import { connected, postPush, type Repositories } from './shop-repository.ts'

/** `project`: the address of the project, in which there is none yet. */
export async function repositoryLooks(system: System, at: Repositories, projectId: string, project: string) {
  const commit = await at.make('shop', 'shop build')
  const { repositoryId, address, secret } = await connected(system, projectId, at, 'shop')
  await system
    .client(ConnectionService)
    .createOrganizationConnection({ name: 'everybody’s git', kind: ForgeKind.GIT, url: at.url })
  for (const branch of ['main', 'docs/words']) await postPush(address, secret, branch, commit)
  await postPush(address, 'another', 'main', commit)
  const changed = await proposed(system, at, projectId)
  const repository = `${project}/repositories/${repositoryId}`
  const { pipelines } = await system.client(PipelineService).listPipelines({ projectId })
  const own = pipelines.find((each) => each.repositoryId === '')?.id ?? ''
  return [
    { name: 'repositories', path: `${project}/repositories`, ready: byId('repository-shop') },
    { name: 'repository', path: repository, press: ['tr:has-text("docs/words")'], ready: byId('asked') },
    {
      name: 'repository-settings',
      path: `${repository}?settings`,
      press: [byId('repository-settings')],
      ready: byId('settings-form'),
    },
    {
      name: 'repository-explain',
      path: `${repository}/explain?by=push`,
      press: [byId('explained-steps')],
      ready: byId('start-steps'),
    },
    {
      name: 'repository-explain-body',
      path: `${repository}/explain?by=body`,
      ready: 'textarea[name="explain-body"]',
    },
    { name: 'commit', path: `${repository}/commits/${commit}`, ready: '[data-testid^="run-row-"]' },
    { name: 'repository-connect', path: `${project}/repositories/connect`, ready: byId('repository-picker') },
    {
      name: 'connection-new',
      path: `${project}/repositories/connect?new`,
      press: [byId('connect-new-connection')],
      ready: byId('connection-fields'),
    },
    {
      name: 'editor-move',
      path: `${project}/pipelines/${own}/edit`,
      press: [byId('kept-chip'), byId('move-there')],
      ready: byId('way-branch'),
    },
    {
      name: 'editor-proposed',
      path: `${project}/pipelines/${changed}/edit`,
      ready: '[data-testid="propose-button"] .changes',
    },
    {
      name: 'editor-propose',
      path: `${project}/pipelines/${changed}/edit?propose`,
      press: [byId('propose-button'), '[data-testid="propose-dialog"] summary'],
      ready: byId('way-branch'),
    },
    { name: 'connections', path: `${project}/connections`, ready: byId('connection-home') },
    { name: 'organization-connections', path: '/settings/connections', ready: 'table' },
    {
      name: 'repository-start',
      path: `${project}/pipelines?start`,
      press: [byId('run-shop build')],
      ready: byId('commit-picker'),
    },
  ]
}

/** The file's draft is changed, proposed, and changed again; answers its pipeline. */
async function proposed(system: System, at: Repositories, projectId: string): Promise<string> {
  const pipelines = system.client(PipelineService)
  const all = await pipelines.listPipelines({ projectId })
  const pipelineId = all.pipelines.find((each) => each.repositoryId !== '')?.id ?? ''
  const { yaml } = await pipelines.getPipeline({ pipelineId })
  await at.git('shop', 'config', 'http.receivepack', 'true')
  await pipelines.applyPipeline({ projectId, yaml: yaml.replace('echo checked', 'echo checked twice') })
  await system.client(ProposalService).proposePipeline({ pipelineId, way: ProposalWay.BRANCH, title: 'Check it twice' })
  await pipelines.applyPipeline({ projectId, yaml: yaml.replace('echo checked', 'echo checked three times') })
  return pipelineId
}

function byId(id: string): string {
  return `[data-testid="${id}"]`
}
