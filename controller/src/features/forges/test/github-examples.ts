// GitHub's own examples of its deliveries.
import { createRequire } from 'node:module'
import type { JsonObject } from '@bufbuild/protobuf'

interface Definition {
  name: string
  examples: JsonObject[]
}

// It is a JSON file, which its types call a module with a default.
const definitions = createRequire(import.meta.url)('@octokit/webhooks-examples') as Definition[]

/** `i`: which one of its name. */
export const githubExamples = definitions.flatMap(({ name, examples }) =>
  examples.map((body, i) => ({ name, i, body })),
)
