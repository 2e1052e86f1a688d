import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import vue from './web/node_modules/@vitejs/plugin-vue/dist/index.mjs'

// One module graph a worker: loading ORM, contract and console anew for each file took as long as the tests of it.
const shared = { isolate: false }
const setupFiles = [fileURLToPath(new URL('proto/test/fixed-seed.ts', import.meta.url))]

/** The longest by far: one that begins last is waited for alone. */
const longest = ['store-faults.test.ts']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = longest.indexOf(basename(moduleId))
      return index === -1 ? longest.length : index
    }
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // Tests mostly wait for processes: one worker less than there are CPUs would leave one of two idle.
    maxWorkers: '100%',
    projects: [
      { test: { ...shared, name: 'proto', setupFiles, include: ['proto/src/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { ...shared, name: 'engine', setupFiles, include: ['engine/src/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          ...shared,
          name: 'controller',
          setupFiles,
          include: ['controller/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'agent',
          setupFiles,
          globalSetup: 'agent/test/bundle.ts',
          include: ['agent/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        plugins: [vue()],
        test: {
          ...shared,
          name: 'web',
          root: './web',
          setupFiles,
          include: ['src/**/*.test.ts'],
          environment: 'happy-dom',
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e',
          include: ['e2e/{scenarios,journeys,bench}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // Too long for every run: `pnpm vitest run --project long`.
      { test: { name: 'long', include: ['e2e/long/**/*.test.ts'], hookTimeout: 120_000 } },
      // They measure, and so are said nothing of by a machine that others use: `pnpm vitest run --project held`.
      { test: { ...shared, name: 'held', setupFiles, include: ['controller/**/*.held.ts'], hookTimeout: 240_000 } },
    ],
  },
})
