// Makes the agent one executable file: nothing to install on a build host but Node.
import { chmodSync } from 'node:fs'
import { defineConfig } from 'rolldown'

/** Reads .proto files for the inspection service of gRPC servers. The agent is none; half of the bundle would be this. */
const UNUSED = '@grpc/proto-loader'

export default defineConfig({
  input: 'src/main.ts',
  platform: 'node',
  output: { file: 'dist/ansflow-agent.mjs', format: 'esm', codeSplitting: false, minify: { mangle: false } },
  plugins: [
    {
      name: 'without-unused',
      resolveId: (source) => (source === UNUSED ? { id: UNUSED } : undefined),
      load: (id) => (id === UNUSED ? 'export {}' : undefined),
    },
    {
      name: 'executable',
      writeBundle: (options) => chmodSync(String(options.file), 0o755),
    },
  ],
})
