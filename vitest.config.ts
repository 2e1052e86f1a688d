import { defineConfig } from 'vitest/config'
import vue from './web/node_modules/@vitejs/plugin-vue/dist/index.mjs'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'proto', include: ['proto/src/**/*.test.ts'] } },
      { test: { name: 'controller', include: ['controller/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 60_000 } },
      { test: { name: 'agent', include: ['agent/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 30_000 } },
      {
        plugins: [vue()],
        test: { name: 'web', root: './web', include: ['src/**/*.test.ts'], environment: 'happy-dom' },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
