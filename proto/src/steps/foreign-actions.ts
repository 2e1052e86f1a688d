// Actions, plugins and images that other systems run as steps: which of our step types does what each is for.
import { shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'

/** By the name between owner and version. */
const types: Readonly<Record<string, string>> = {
  checkout: 'fetch_code',
  clone: 'fetch_code',
  git: 'fetch_code',
  'git-clone': 'fetch_code',
  'manual-approval': 'approval',
  'http-request-action': 'http_request',
  'workflow-dispatch': 'pipeline',
  'repository-dispatch': 'pipeline',
  sleep: 'wait',
}

const kinds: readonly { name: RegExp; what: string }[] = [
  { name: /^setup-|^install-|-toolchain$|-installer-action$/, what: 'tools' },
  { name: /^(cache|upload-artifact|download-artifact|artifacts?)$/, what: 'files' },
  { name: /docker|buildx|^(build-push|login)-action$/, what: 'docker' },
]

/** `actions/checkout@v4`, `docker://alpine`, `docker#v5`: what to say of it; undefined: it is no word of another system. */
export function foreignAction(id: string): Said | undefined {
  const type = shortText(id)
  if (id.startsWith('docker://')) return say('foreign_action', { type, what: 'docker' })
  if (!/[/@#]/.test(id)) return undefined
  const [path = ''] = id.split(/[@#]/)
  const name = path.split('/').at(-1) ?? ''
  const here = Object.hasOwn(types, name) ? types[name] : undefined
  if (here) return say('foreign_action', { type, here })
  return say('foreign_action', { type, what: kinds.find((each) => each.name.test(name))?.what })
}
