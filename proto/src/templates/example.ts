// A template for tests.
export const file = (templates: string, steps: string, more = '') =>
  `name: x\n${more}templates:\n${templates}\nsteps:\n${steps}\n`

export const build = `  build:
    params:
      dir: { type: string, required: true }
      node: { type: string, default: "22" }
    steps:
      install: { run: "npm ci --node \${{ params.node }}", workdir: "\${{ params.dir }}" }
      test: { needs: [install], run: npm test, outputs: [coverage] }
      lint: { needs: [install], run: npm run lint }
    outputs: { coverage: "\${{ steps.test.outputs.coverage }}", at: "\${{ params.dir }}" }`
