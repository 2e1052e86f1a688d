// Makes the agent one executable file: nothing to install on a build host but Node.
import { chmodSync } from 'node:fs'
import { defineConfig } from 'rolldown'

export default defineConfig({
  input: 'src/main.ts',
  platform: 'node',
  output: { file: 'dist/ansflow-agent.mjs', format: 'esm', codeSplitting: false },
  plugins: [
    {
      name: 'executable',
      writeBundle: (options) => chmodSync(String(options.file), 0o755),
    },
  ],
})
