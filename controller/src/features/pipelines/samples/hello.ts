// The sample "hello": a first pipeline that needs no repository and ends within seconds on any agent with a POSIX shell.
export const hello = `# A first pipeline. It needs no repository and runs on any agent with a POSIX shell.
# Change a step and run it again: the draft runs as it is, no need to publish first.
name: hello
description: Builds a small greeting, tests it twice at once, packs it and sums up.

inputs:
  greeting:
    type: string
    default: Hello
    description: How the greeting begins.
  audience:
    type: choice
    options: [world, team, everyone]
    default: world
    description: Whom to greet.
  pack:
    type: boolean
    default: true
    description: Off skips the archive, and everything else still runs.

env:
  REPORT: report.txt

timeout: 5m

steps:
  prepare:
    name: Prepare
    description: Writes the greeting and hands its length to later steps.
    outputs: [words, host]
    env:
      GREETING: \${{ inputs.greeting }}
      AUDIENCE: \${{ inputs.audience }}
    run: |
      echo "Preparing on $(uname -s), agent host $(uname -n)"
      mkdir -p dist
      printf '%s, %s!\\n' "$GREETING" "$AUDIENCE" > dist/greeting.txt
      cat dist/greeting.txt
      # A line name=value in this file is an output that other steps can read.
      echo "words=$(wc -w < dist/greeting.txt | tr -d ' ')" >> "$ANSFLOW_OUTPUT"
      echo "host=$(uname -n)" >> "$ANSFLOW_OUTPUT"

  spelling:
    name: Check spelling
    description: Runs at the same time as the slow test.
    needs: [prepare]
    uses: test
    run: |
      echo "::group::What is checked"
      cat dist/greeting.txt
      echo "::endgroup::"
      grep -q '!$' dist/greeting.txt
      echo "The greeting ends as it should."

  slow-test:
    name: Slow test
    description: Counts to three; a second attempt would follow if it failed.
    needs: [prepare]
    uses: test
    retry: { max: 1, delay: 1s }
    timeout: 1m
    run: |
      for part in one two three; do
        echo "Testing part $part of the greeting with \${{ steps.prepare.outputs.words }} words"
        sleep 1
      done

  style:
    name: Style advice
    description: May fail without failing the run.
    needs: [prepare]
    allowFailure: true
    run: |
      echo "A stylist looks at the greeting..."
      if grep -q 'Hello' dist/greeting.txt; then
        echo "::warning::\\"Hello\\" is a little plain. This step fails, and the run goes on."
        exit 1
      fi
      echo "How original!"

  package:
    name: Package
    description: Skipped when the input "pack" is off.
    needs: [spelling, slow-test]
    when: inputs.pack && success()
    uses: build
    outputs: [size]
    run: |
      tar -czf dist/greeting.tar.gz -C dist greeting.txt
      ls -l dist
      echo "size=$(wc -c < dist/greeting.tar.gz | tr -d ' ')" >> "$ANSFLOW_OUTPUT"

  summary:
    name: Sum up
    description: Runs whatever happened before.
    needs: [package, style]
    when: always()
    run: |
      {
        echo "Greeting: $(cat dist/greeting.txt)"
        echo "Written on: \${{ steps.prepare.outputs.host }}"
        echo "Package: \${{ steps.package.status }}, style advice: \${{ steps.style.status }}"
      } | tee "$REPORT"
`
