// The system programs the tests need, and how they come onto a Debian machine when they are missing.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Sentence, say, step } from './progress.ts'
import { runCommand } from './run-command.ts'

const needed: { program: string; package: string }[] = [
  { program: 'git', package: 'git' },
  { program: 'bash', package: 'bash' },
  { program: 'ssh', package: 'openssh-client' },
  { program: 'sshd', package: 'openssh-server' },
  { program: 'mariadbd', package: 'mariadb-server' },
  { program: 'nats-server', package: 'nats-server' },
  { program: 'chromium-headless-shell', package: 'chromium-headless-shell' },
  { program: 'openssl', package: 'openssl' },
  { program: 'make', package: 'make' },
  { program: 'cc', package: 'gcc' },
  { program: 'dockerd', package: 'docker.io' },
  { program: 'podman', package: 'podman' },
  { program: 'catatonit', package: 'catatonit' },
  { program: 'busybox', package: 'busybox-static' },
]

export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
}

/** Installs what is missing through apt when this user may; else says what to install. */
export async function ensureSystemPackages(): Promise<void> {
  const missing = needed.filter(({ program }) => !findProgram(program))
  if (missing.length === 0) return
  const packages = missing.map((entry) => entry.package)
  const names = missing.map((entry) => entry.program).join(', ')
  if (process.getuid?.() !== 0 || !findProgram('apt-get')) {
    throw new Sentence(
      `The tests need ${names}. Install the packages ${packages.join(' ')} (on Debian: apt-get install ${packages.join(' ')}), then run this again.`,
    )
  }
  say(`missing for the tests: ${names}`)
  const apt = (...args: string[]) =>
    runCommand('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], { env: { DEBIAN_FRONTEND: 'noninteractive' } })
  await step(`apt-get install ${packages.join(' ')}`, async () => {
    await apt('update')
    await apt('install', '-y', '--no-install-recommends', ...packages)
  })
  const still = needed.filter(({ program }) => !findProgram(program))
  if (still.length > 0)
    throw new Sentence(
      `apt installed its packages but ${still.map((entry) => entry.program).join(', ')} cannot be found.`,
    )
}
