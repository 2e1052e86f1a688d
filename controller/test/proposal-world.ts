// A draft, the file of its pipeline in a repository that a real git server has, and a forge that knows it.
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProposalService } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { ForgeWorld, type ForgeWorldOptions } from './forge-world.ts'

export const file = `# What is built.
name: build
steps:
  # At once.
  one: { run: "true" } # quietly
  two:
    needs: [one]
    run: make
`
export const path = '.ansflow/build.yaml'
/** What the draft makes of it. */
export const changed = file.replace('run: make', 'run: make -j2')

/** The pipeline is there as soon as it answers, unless other `files` are asked for. */
export async function startProposals(options: Partial<ForgeWorldOptions> = {}) {
  const world = await ForgeWorld.start({ files: { [path]: file }, ...options })
  const proposals = world.owner.client(ProposalService)
  const pipelines = world.owner.client(PipelineService)
  const find = async (name = 'build') =>
    (await pipelines.listPipelines({ projectId: world.projectId })).pipelines.find((each) => each.name === name)!
  const pipelineId = options.files ? '' : (await find()).id
  const edit = (yaml: string) => pipelines.applyPipeline({ projectId: world.projectId, yaml })
  const draft = async (id = pipelineId) => (await pipelines.getPipeline({ pipelineId: id })).yaml
  const newest = async (id = pipelineId) => (await proposals.listProposals({ pipelineId: id })).proposals[0]!
  const asked = { pipelineId, title: 'Make it quicker', message: 'Because **of that**.' }
  const show = (of: string) => world.origin.git('show', of)
  const refresh = () => world.owner.client(RepositoryService).refreshRepository({ repositoryId: world.repositoryId })
  return { world, proposals, pipelines, find, pipelineId, edit, draft, newest, asked, show, refresh }
}
