// Every service of the contract, found in the generated files, so that none can be forgotten.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DescService } from '@bufbuild/protobuf'

const generated = join(import.meta.dirname, '../../proto/src/gen/ansflow')

export async function everyService(): Promise<DescService[]> {
  const files = readdirSync(generated, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('_pb.js'))
  const modules = (await Promise.all(files.map((file) => import(join(generated, file))))) as Record<string, unknown>[]
  return modules.flatMap((module) => Object.values(module).filter(isService))
}

function isService(value: unknown): value is DescService {
  return (value as DescService | undefined)?.kind === 'service'
}
