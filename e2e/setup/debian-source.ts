// Sources of Debian packages, as `apt-get source` gives them, without touching the machine's own apt settings.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../deploy/dev/run-command.ts'

/** Downloads the upstream source of `name` and unpacks it into `target`; answers its version. */
export async function debianSource(name: string, target: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ansflow-source-'))
  try {
    await mkdir(join(folder, 'lists/partial'), { recursive: true })
    await mkdir(join(folder, 'parts'))
    await writeFile(join(folder, 'parts/source.sources'), await sourceEntries())
    const apt = (...args: string[]) =>
      runCommand(
        'apt-get',
        [
          '-o',
          'Dir::Etc::sourcelist=/dev/null',
          '-o',
          `Dir::Etc::sourceparts=${folder}/parts`,
          '-o',
          `Dir::State::lists=${folder}/lists`,
          ...args,
        ],
        { cwd: folder },
      )
    await apt('update')
    await apt('source', '--download-only', name)
    const tarball = (await readdir(folder)).find((file) => /\.orig\.tar\./.test(file))
    if (!tarball) throw new Error(`apt-get source ${name} brought no upstream tarball`)
    await mkdir(target, { recursive: true })
    await runCommand('tar', ['-xf', join(folder, tarball), '-C', target, '--strip-components=1'])
    return /_([^_]+)\.orig/.exec(tarball)?.[1] ?? ''
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The machine's own entries, asking for sources instead of packages. */
async function sourceEntries(): Promise<string> {
  const parts = '/etc/apt/sources.list.d'
  const files = (await readdir(parts)).filter((file) => file.endsWith('.sources'))
  const modern = await Promise.all(files.map((file) => readFile(join(parts, file), 'utf8')))
  const classic = await readFile('/etc/apt/sources.list', 'utf8').catch(() => '')
  const converted = classic
    .split('\n')
    .map((line) => /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line))
    .flatMap((match) =>
      match ? [`Types: deb\nURIs: ${match[1]}\nSuites: ${match[2]}\nComponents: ${match[3]}\n`] : [],
    )
  return [...modern, ...converted].join('\n').replace(/^Types:.*$/gm, 'Types: deb-src')
}
