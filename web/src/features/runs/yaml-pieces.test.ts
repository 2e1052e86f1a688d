import { expect, test } from 'vitest'
import { yamlPieces } from './yaml-pieces.ts'

const file = `# Builds it.
name: "build"
steps:
  test:
    run: |
      echo "a: b" # no comment
    needs: [plan]
`

test('keys, quoted texts and comments of a file each have their look, and no character is lost', () => {
  const pieces = yamlPieces(file)
  expect(pieces.map(({ text }) => text).join('')).toBe(file)
  const of = (look: string) => pieces.filter((piece) => piece.look === look).map(({ text }) => text)
  expect(of('comment')).toEqual(['# Builds it.'])
  expect(of('key')).toEqual(['name', 'steps', 'test', 'run', 'needs'])
  expect(of('string')).toEqual(['"build"', '|'])
})

test('what is too long to be read through is told as it is', () => {
  const long = 'a: b\n'.repeat(200_000)
  expect(yamlPieces(long)).toEqual([{ text: long }])
})
