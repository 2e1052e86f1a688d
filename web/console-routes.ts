// Writes the addresses of the console's pages beside them, so that the controller tells a page from what is not there.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'vite'

const features = join(import.meta.dirname, 'src/features')

/** As vue-router writes them: "/runs/:run". */
export async function consolePaths(): Promise<string[]> {
  const files = readdirSync(features, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\broutes\.ts$/.test(file),
  )
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(join(features, file)).href)))
  return (modules as { routes: { path: string }[] }[]).flatMap(({ routes }) => routes.map(({ path }) => path)).sort()
}

export function consoleRoutes(): Plugin {
  return {
    name: 'ansflow-console-routes',
    apply: 'build',
    async generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'routes.json', source: JSON.stringify(await consolePaths()) })
    },
  }
}
