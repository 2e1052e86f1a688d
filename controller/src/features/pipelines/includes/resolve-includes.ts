// Finds the templates that a pipeline includes, once, when a version or a run is made of it: what is included may change later, what
// was made of it does not.
import { includeProblem, includeText } from '@ansflow/proto/fields/includes'
import type { Include, Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { ValidatePipelineResponseSchema } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { limits } from '@ansflow/proto/limits'
import { nearest } from '@ansflow/proto/suggest'
import { problemInFile } from '@ansflow/proto/templates/included'
import { shortText, wayText } from '@ansflow/proto/texts/parts'
import { type Said, say } from '@ansflow/proto/texts/say'
import { problemOf } from '@ansflow/proto/validate'
import { create, toBinary } from '@bufbuild/protobuf'
import { GitError } from '../../../platform/git/git.ts'
import type { Workers } from '../../../platform/workers.ts'
import type { IncludeSources } from './include-sources.ts'
import { includeTasks } from './include-task-file.ts'

export type PlainInclude = Pick<Include, 'file' | 'pipeline' | 'version'>

/** What the tasks of drafts are given: bytes, because they were read on a worker's thread and are needed there again. */
export interface ReadIncludes {
  brought: { source: PlainInclude; entry: number /** Of a PipelineGraph with templates. */; templates: Uint8Array }[]
  /** Of a ValidatePipelineResponse. */
  problems: Uint8Array
}

interface Deps {
  workers: Workers
  /** Who has the work done. */
  by: string
  sources: IncludeSources
}

/** What a task makes of a draft or a file, what it includes being known. */
export async function withIncludes<T extends { include: PlainInclude[] }>(
  deps: Omit<Deps, 'sources'> & { sources: (first: NoInfer<T>) => Promise<IncludeSources> },
  read: (includes: ReadIncludes | undefined) => Promise<T>,
): Promise<T> {
  const first = await read(undefined)
  if (first.include.length === 0) return first
  return read(await resolveIncludes({ ...deps, sources: await deps.sources(first) }, first.include))
}

export async function resolveIncludes(deps: Deps, include: readonly PlainInclude[]): Promise<ReadIncludes> {
  const { brought, problems } = await new Resolving(deps).all(include)
  const message = create(ValidatePipelineResponseSchema, { problems: problems.slice(0, limits.problems) })
  return { brought, problems: toBinary(ValidatePipelineResponseSchema, message) }
}

/** The files on the way to one that includes others. */
type Way = readonly string[]

class Resolving {
  private readonly deps: Deps
  private readonly brought: ReadIncludes['brought'] = []
  private readonly problems: Problem[] = []
  private readonly seen = new Set<string>()
  private bytes = 0
  private count = 0
  private isOver = false

  constructor(deps: Deps) {
    this.deps = deps
  }

  async all(include: readonly PlainInclude[]) {
    for (const [entry, each] of include.slice(0, limits.includes).entries()) {
      await this.one(each, entry, [], (said, warning) => this.report(entry, said, warning))
    }
    return { brought: this.brought, problems: this.problems }
  }

  private report(entry: number, said: Said, info = false): void {
    const problem = problemOf({ field: `include.${entry}`, said })
    if (info) problem.severity = Severity.INFO
    this.problems.push(problem)
  }

  private async one(each: PlainInclude, entry: number, way: Way, refuse: Refuse): Promise<void> {
    if (this.isOver) return
    const wrong = includeProblem(each as Include)
    // The rest is told by who checks the file itself.
    if (wrong && wrong.said.code !== 'include_version') return
    const text = includeText(each as Include)
    if (each.file !== '' && way.includes(text)) {
      const path = wayText([...way.slice(way.indexOf(text)), text])
      return refuse(say('include_cycle', { path }))
    }
    if (this.seen.has(text)) return
    if (way.length >= limits.includeDepth) {
      return refuse(say('include_deep', { path: wayText([...way, text]), most: limits.includeDepth }))
    }
    this.seen.add(text)
    if (this.seen.size > limits.includedSources) {
      this.isOver = true
      return refuse(say('include_much', { most: limits.includedSources }))
    }
    return each.file === ''
      ? this.version(each, entry, way.length === 0, refuse)
      : this.file(each, entry, [...way, text], refuse)
  }

  private async version(each: PlainInclude, entry: number, isDirect: boolean, refuse: Refuse): Promise<void> {
    const { sources, workers, by } = this.deps
    const name = shortText(each.pipeline)
    const found = await sources.pipeline(each.pipeline)
    if (!('row' in found)) return refuse(say('include_pipeline', { name, near: found.near }))
    const { latestVersion: latest } = found.row
    if (latest === 0) return refuse(say('include_unpublished', { name }))
    if (each.version === 0) return refuse(say('include_version', { pipeline: name, latest }))
    const graph = await sources.version(found.row, each.version)
    if (graph === undefined) return refuse(say('include_no_version', { name, version: each.version, latest }))
    if (isDirect && latest > each.version) refuse(say('include_newer', { name, version: each.version, latest }), true)
    const { templates, count, bytes } = await workers.run(includeTasks, 'templatesOfVersion', graph, by)
    if (count === 0) return refuse(say('include_nothing', { included: includeText(each as Include) }))
    this.bring(each, entry, { templates, count, bytes }, refuse)
  }

  private async file(each: PlainInclude, entry: number, way: Way, refuse: Refuse): Promise<void> {
    const { workers, by } = this.deps
    const path = each.file
    const yaml = await this.read(path, refuse)
    if (yaml === undefined) return
    const { templates, include, count, bytes, wrong } = await workers.run(includeTasks, 'readTemplates', yaml, by)
    if (wrong) return refuse(problemInFile(path, wrong))
    if (count === 0 && include.length === 0) return refuse(say('include_nothing', { included: path }))
    if (count > 0 && !this.bring(each, entry, { templates, count, bytes }, refuse)) return
    for (const [index, inner] of include.entries()) {
      await this.one(inner, entry, way, (said, info) => {
        // Newer versions are told of what the pipeline itself includes, and where something is wrong once.
        const isPlaced = said.code === 'include_inside' || said.code === 'include_file'
        if (isPlaced) refuse(said)
        else if (!info) refuse(say('include_inside', { included: path, part: `include.${index}`, problem: said }))
      })
    }
  }

  private async read(path: string, refuse: Refuse): Promise<string | undefined> {
    const { files } = this.deps.sources
    const shown = shortText(path, 200)
    if (!files) {
      refuse(say('include_kept', { wanted: shown }))
      return undefined
    }
    try {
      const yaml = await files.read(path)
      if (yaml !== undefined) return yaml
      refuse(say('include_missing', { wanted: shown, near: await nearPath(files, path) }))
    } catch (error) {
      const isOfFile = error instanceof GitError && (error.fault === 'too_large' || error.fault === 'refused')
      if (!isOfFile) throw error
      refuse(say('include_unread', { wanted: shown, detail: error.message.replace(/\.$/, '') }))
    }
    return undefined
  }

  private bring(source: PlainInclude, entry: number, { templates, count, bytes }: Weighed, refuse: Refuse): boolean {
    this.bytes += bytes
    this.count += count
    this.isOver = this.bytes > limits.includedBytes || this.count > limits.includedTemplates
    if (this.bytes > limits.includedBytes) refuse(say('include_size', { most: limits.includedBytes / 1024 }))
    else if (this.isOver) refuse(say('include_many', { most: limits.includedTemplates }))
    else this.brought.push({ source, entry, templates })
    return !this.isOver
  }
}

interface Weighed {
  templates: Uint8Array
  count: number
  bytes: number
}

/** `info`: it is only said. */
type Refuse = (said: Said, info?: boolean) => void

async function nearPath(files: IncludeSources['files'] & object, path: string): Promise<string | undefined> {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')))
  const names = (await files.list(folder)).slice(0, 1000)
  const near = nearest(path.slice(folder === '' ? 0 : folder.length + 1), names)
  return near === undefined ? undefined : folder === '' ? near : `${folder}/${near}`
}
