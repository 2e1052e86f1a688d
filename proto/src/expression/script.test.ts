// Values in scripts: run by real shells, none of what a value holds is ever run, and it arrives as it is.
import { execFileSync, spawnSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type ExpressionContext, ExpressionError, interpolateScript } from '../expression.ts'

function contextOf(value: string): ExpressionContext {
  const needs = { success: true, failure: false, canceled: false }
  return { inputs: { title: value }, env: {}, git: {}, run: {}, steps: {}, needs }
}

// Each value is a process of its own.
vi.setConfig({ testTimeout: 120_000 })

const shells = ['sh', 'bash'].filter((shell) => spawnSync(shell, ['-c', 'true']).status === 0)

function run(shell: string, script: string, value: string): string {
  const made = interpolateScript(script, shell, contextOf(value))
  return execFileSync(shell, ['-c', made.script], {
    env: { PATH: process.env.PATH, ...made.variables },
    // With a socket there, bash believes that it is run from afar, and reads the person's own settings first.
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  })
}

/** What each script prints of the value, when nothing of it is run. */
const places: [name: string, script: string, (value: string) => string][] = [
  ['plain', 'printf "%s|" ${{ inputs.title }}', (value) => `${value}|`],
  ['in a word', 'printf "%s|" a=${{ inputs.title }}b', (value) => `a=${value}b|`],
  ['double quotes', 'printf "%s|" "it\'s ${{ inputs.title }}"', (value) => `it's ${value}|`],
  ['single quotes', "printf '%s|' 'say \"${{ inputs.title }}\"'", (value) => `say "${value}"|`],
  ['after an escaped quote', 'printf "%s|" \\"${{ inputs.title }}\\\'', (value) => `"${value}'|`],
  ['an assignment', 'v=${{ inputs.title }}\nprintf "%s|" "$v"', (value) => `${value}|`],
  ['a comment', "# isn't ${{ inputs.title }}\nprintf x", () => 'x'],
  [
    'a substitution in quotes',
    'printf "%s|" "$(printf "%s" "${{ inputs.title }}")"',
    (value) => `${value.replace(/\n+$/, '')}|`,
  ],
  ['a substitution', 'printf "%s|" "$(printf "%s" ${{ inputs.title }}x)"', (value) => `${value}x|`],
  [
    'a here-document',
    "cat <<EOF\nit's ${{ inputs.title }}\nEOF\nprintf '%s' ${{ inputs.title }}",
    (value) => `it's ${value}\n${value}`,
  ],
  [
    'after arithmetic that shifts',
    "echo $((1<<2)) $(( (1) << 2 ))\nprintf '%s' '${{ inputs.title }}' ${{ inputs.title }}",
    (value) => `4 4\n${value}${value}`,
  ],
  ['a substitution in arithmetic', 'echo $((1 + $(printf "%s" \'${{ inputs.title }}\' | wc -l) * 0))', () => '1\n'],
  [
    'after a here-document in quotes',
    "cat <<'EOF'\nit's\nEOF\nprintf '%s' ${{ inputs.title }}",
    (value) => `it's\n${value}`,
  ],
]

const computed = [
  'echo $(( 1 + ${{ inputs.title }} ))',
  'echo "$((${{ inputs.title }}))"',
  'echo $(( ( 1 + "${{ inputs.title }}" ) * 2 ))',
  '(( x = ${{ inputs.title }} ))',
  'cat <<EOF\n$(( ${{ inputs.title }} ))\nEOF',
]

/** Where bash computes without saying so: what each prints of a plain number beside it. */
const computedByBash = [
  '[[ ${{ inputs.title }} -eq 1 ]]',
  'if [[ -z $x && 1 -lt "${{ inputs.title }}" ]]; then :; fi',
  'while [[ "$(echo 1)" -ge ${{ inputs.title }} ]]; do break; done',
  'true && [[ a${{ inputs.title }} -ne 1 ]]',
  '[[ -v ${{ inputs.title }} ]]',
  'test -v "${{ inputs.title }}"',
  'let x=${{ inputs.title }}',
  'if let "x = 1 + ${{ inputs.title }}"; then :; fi',
  'echo $[ 1 + ${{ inputs.title }} ]',
  'cat <<EOF\n$[ ${{ inputs.title }} ]\nEOF',
  'b=(1 2); echo "${b[${{ inputs.title }}]}"',
  'b["${{ inputs.title }}"]=1',
  'declare b[${{ inputs.title }}]=1',
  's=abc; echo ${s:${{ inputs.title }}:1}',
  'declare -i n="${{ inputs.title }}"',
  'typeset -r -i n=${{ inputs.title }}',
  'a=(1); unset "${{ inputs.title }}"',
  'printf -v "${{ inputs.title }}" x',
]

/** What looks like it, and computes nothing. */
const notComputed = [
  '[[ ${{ inputs.title }} == a* ]]; echo',
  '[[ -n "${{ inputs.title }}" && 1 -eq 1 ]]',
  'echo "let us see [${{ inputs.title }}]" >/dev/null',
  'echo list[${{ inputs.title }}]: -eq 1 >/dev/null',
  'echo let ${{ inputs.title }} -v >/dev/null',
  'x=${y:-${{ inputs.title }}}; echo "${x:=${{ inputs.title }}}" >/dev/null',
  'export A=1 B=${{ inputs.title }}',
  'a=([0]=1); echo "[ ${{ inputs.title }} ]" >/dev/null',
]

const hostile = [
  '$(echo ran)',
  '`echo ran`',
  '; echo ran',
  "'; echo ran; '",
  '"; echo ran; "',
  '\necho ran\n',
  '* ~ $HOME',
  'a  b',
  '\\',
  'EOF\necho ran',
  '#',
  '${IFS}',
  '🙂 \'"',
  '|| echo ran &',
  '',
]

describe.each(shells)('%s', (shell) => {
  it('gives an empty value a word of its own, and nothing where there are no words', () => {
    expect(run(shell, 'set -- ${{ inputs.title }} prod; printf "%s:%s" "$#" "$2"', '')).toBe('2:prod')
    expect(run(shell, 'case ${{ inputs.title }} in "") printf empty;; esac', '')).toBe('empty')
    expect(run(shell, "cat <<'EOF'\n[${{ inputs.title }}]\nEOF", '')).toBe('[]\n')
    expect(run(shell, 'printf "[%s]" "a${{ inputs.title }}b"', '')).toBe('[ab]')
  })

  it.each(places)('prints a value as it is: %s', (_, script, prints) => {
    for (const value of hostile) expect(run(shell, script, value), JSON.stringify(value)).toBe(prints(value))
  })

  it('whatever the value is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'$(){}`\'"\\;&|<>*?~# \n\tab-') }),
        fc.constantFrom(...places),
        (value, [, script, prints]) => {
          expect(run(shell, script, value)).toBe(prints(value))
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('interpolateScript', () => {
  it('writes harmless values into the script, so that they mean what they meant', () => {
    for (const value of ['1.0', 'main', 'a/b_c-d:e+f=g', '-x']) {
      const made = interpolateScript("echo '${{ inputs.title }}' {1..${{ 3 }}}", 'bash', contextOf(value))
      expect(made).toEqual({ script: `echo '${value}' {1..3}`, variables: {} })
    }
  })

  it('never writes another value into a script, wherever that stands', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'$()`\'"\\<>@#EOF \n') }),
        fc.constantFrom('sh', 'bash', 'pwsh'),
        (around, shell) => {
          try {
            const { script, variables } = interpolateScript(
              `${around.replace(/\$+$/, '')}\${{ inputs.title }}`,
              shell,
              contextOf('SPLICED $(x)'),
            )
            expect(script).not.toContain('SPLICED')
            expect(variables).toEqual({ ANSFLOW_VALUE_1: 'SPLICED $(x)' })
          } catch (error) {
            expect(error).toBeInstanceOf(ExpressionError)
          }
        },
      ),
    )
  })

  it('writes PowerShell’s own variables', () => {
    const of = (script: string) => interpolateScript(script, 'pwsh', contextOf('$(Get-Date)')).script
    expect(of('echo ${{ inputs.title }}')).toBe('echo ${env:ANSFLOW_VALUE_1}')
    expect(of('echo "a `" ${{ inputs.title }}"')).toBe('echo "a `" ${env:ANSFLOW_VALUE_1}"')
    expect(of('$a = @"\nit\'s ${{ inputs.title }}\n"@')).toBe('$a = @"\nit\'s ${env:ANSFLOW_VALUE_1}\n"@')
    expect(() => of("echo 'a ${{ inputs.title }}'")).toThrow('Set it in env')
    expect(() => of("$a = @'\n${{ inputs.title }}\n'@")).toThrow('Set it in env')
  })

  it('brings nothing but plain values into arithmetic, where shells run what is in them', () => {
    for (const shell of ['sh', 'bash']) {
      for (const script of computed) {
        expect(() => interpolateScript(script, shell, contextOf('a[$(echo ran)]')), script).toThrow('in arithmetic')
        expect(interpolateScript(script, shell, contextOf('7')).variables).toEqual({})
      }
    }
  })

  it('brings nothing but plain values to where bash computes with a variable', () => {
    const hostileNumber = 'a[$(ran)]'
    const isBash = shells.includes('bash')
    const apart = { stdio: ['ignore', 'ignore', 'pipe'] as ('ignore' | 'pipe')[], encoding: 'utf8' as const }
    for (const script of computedByBash) {
      expect(() => interpolateScript(script, 'bash', contextOf(hostileNumber)), script).toThrow('in arithmetic')
      expect(interpolateScript(script, 'bash', contextOf('7')).variables, script).toEqual({})
      if (!isBash) continue
      // That it would be run is why.
      const by = { ...apart, env: { PATH: process.env.PATH, LC_ALL: 'C', V: hostileNumber } }
      const { stderr } = spawnSync('bash', ['-c', script.replaceAll('${{ inputs.title }}', '${V}')], by)
      expect(stderr, script).toContain('ran: command not found')
    }
    for (const script of notComputed) {
      const made = interpolateScript(script, 'bash', contextOf(hostileNumber))
      if (!isBash) continue
      const by = { ...apart, env: { PATH: process.env.PATH, ...made.variables } }
      expect(spawnSync('bash', ['-c', made.script], by).stderr, script).toBe('')
    }
  })

  it('looks at long scripts once, whatever stands in them', () => {
    for (const piece of ['$((', '$[', '${a[', '[[ ', '[[ a & ', '${s:', 'let ', '"$(', '[', '${{ inputs.title }} ']) {
      const script = `cat <<EOF\n${piece.repeat(20_000)} \${{ inputs.title }}\nEOF\n${piece.repeat(20_000)} \${{ inputs.title }}`
      try {
        interpolateScript(script, 'bash', contextOf('a b'))
      } catch (error) {
        expect(error).toBeInstanceOf(ExpressionError)
      }
    }
  })

  it('says so where no variable can be put', () => {
    expect(() => interpolateScript("cat <<'EOF'\n${{ inputs.title }}\nEOF", 'sh', contextOf('a b'))).toThrow(
      'Set it in env',
    )
    expect(() =>
      interpolateScript('echo ${{ inputs.title }}', 'sh', contextOf(`${'x'.repeat(100_000)} y z`.repeat(2))),
    ).toThrow('100 KiB')
  })
})

describe('scripts for other programs', () => {
  const values = contextOf('plain-1.0/x')
  it('get plain values, and no others, whose quotes are not known', () => {
    expect(interpolateScript('print("${{ inputs.title }}")', 'python3 -u', values).script).toBe('print("plain-1.0/x")')
    expect(() => interpolateScript('print("${{ inputs.title }}")', 'python3', contextOf('a"b'))).toThrow(
      'another language',
    )
    expect(interpolateScript('print("${{ inputs.title }}")', 'node', contextOf('')).script).toBe('print("")')
  })

  it('shells are known by their names, wherever they are and whatever they are told', () => {
    for (const shell of ['/bin/bash -eu', 'zsh', 'dash {0}']) {
      expect(interpolateScript('echo ${{ inputs.title }}', shell, contextOf('a b')).script).toBe(
        'echo "${ANSFLOW_VALUE_1}"',
      )
    }
    expect(interpolateScript('echo ${{ inputs.title }}', 'powershell -File', contextOf('a b')).script).toContain(
      '${env:',
    )
  })
})
