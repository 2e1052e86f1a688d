// What lies beside the controller in the product. Its sources and its bundle are both two folders below the product's.
import { fileURLToPath } from 'node:url'

const product = new URL('../../', import.meta.url)

export const consoleFolder = fileURLToPath(new URL('web/dist', product))
export const agentProgram = fileURLToPath(new URL('agent/dist/ansflow-agent.mjs', product))
