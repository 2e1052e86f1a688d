// A new pipeline to draw in: who draws, what is asked for, and whether it came to be, stored and on the canvas.
import { NeedKind } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Browser, Page } from 'playwright-core'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'

/** The steps by their key, each with what it waits for; what is not a plain success says so. */
export type Graph = Record<string, string[]>

export const fiveSteps: Graph = {
  'fetch-code': [],
  script: ['fetch-code'],
  build: ['script'],
  test: ['build'],
  'script-2': ['build', 'script failure'],
}

const words: Partial<Record<NeedKind, string>> = { [NeedKind.FAILURE]: 'failure', [NeedKind.ALWAYS]: 'always' }

export interface Drawing {
  editor: Editor
  page: Page
  errors: string[]
  pipelineId: string
  /** What is stored is this graph, and the canvas shows it. */
  is(wanted: Graph): Promise<void>
}

export interface DrawingRoom extends AsyncDisposable {
  system: System
  openNew(name: string): Promise<Drawing>
}

export async function startDrawingRoom(): Promise<DrawingRoom> {
  const system = await startSystem()
  const browser = await startBrowser()
  const { project } = await system.api.projects.createProject({ name: 'Drawings' })
  return {
    system,
    openNew: (name) => openNew(system, browser, { id: project?.id ?? '', slug: project?.slug ?? '' }, name),
    async [Symbol.asyncDispose]() {
      await browser.close()
      await system[Symbol.asyncDispose]()
    },
  }
}

async function openNew(
  system: System,
  browser: Browser,
  project: { id: string; slug: string },
  name: string,
): Promise<Drawing> {
  const { pipeline } = await system.api.pipelines.createPipeline({ projectId: project.id, name })
  const { page, errors } = await newPerson(browser, system.url, { motion: true })
  page.setDefaultTimeout(10_000)
  await signIn(page, admin)
  const editor = new Editor(page)
  await editor.open(project.slug, pipeline?.id ?? '')
  const graph = async (): Promise<Graph> => {
    const answer = await system.api.pipelines.getPipeline({ pipelineId: pipeline?.id ?? '' })
    const steps = answer.graph?.steps ?? []
    return Object.fromEntries(
      steps.map((step) => [
        step.id,
        step.needs.map(({ stepId, kind }) => (kind === NeedKind.SUCCESS ? stepId : `${stepId} ${words[kind]}`)).sort(),
      ]),
    )
  }
  let last = ''
  const is = async (wanted: Graph) => {
    const text = JSON.stringify(sorted(wanted))
    await waitFor(
      async () => {
        last = JSON.stringify(sorted(await graph()))
        return last === text
      },
      { what: `the graph is ${text}`, detail: () => `It is ${last}.` },
    )
    await waitFor(async () => (await editor.keys()).join() === Object.keys(wanted).sort().join(), {
      what: `the canvas shows ${Object.keys(wanted)}`,
    })
  }
  return { editor, page, errors, is, pipelineId: pipeline?.id ?? '' }
}

function sorted(graph: Graph): [string, string[]][] {
  return Object.entries(graph)
    .map(([key, needs]): [string, string[]] => [key, [...needs].sort()])
    .sort(([a], [b]) => a.localeCompare(b))
}
