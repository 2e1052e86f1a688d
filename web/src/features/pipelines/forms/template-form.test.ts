import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { expect, test } from 'vitest'
import { templateFields, withParam } from './template-form.ts'

const [template] = parsePipeline(`name: x
templates:
  t:
    params:
      dir: { type: string, required: true, description: Where }
      quick: { type: boolean, default: true }
      level: { type: choice, options: [a, b] }
    steps: { a: { run: a } }
steps: { w: { uses: template, with: { template: t } } }
`).graph.templates

test('the form asks for the parameters of the template by their types, and shows what it does not want', () => {
  const fields = templateFields(template, { dir: 'web', quick: 'false', level: '${{ inputs.l }}', old: 'x' })
  expect(fields).toMatchObject([
    { name: 'dir', kind: 'text', value: 'web', required: true, help: 'Where' },
    { name: 'quick', kind: 'boolean', value: false, fallback: true, changed: true },
    { name: 'level', kind: 'select', expression: true, options: [{ value: 'a' }, { value: 'b' }] },
    { name: 'old', kind: 'text', value: 'x' },
  ])
  expect(templateFields(undefined, { old: 'x' })).toMatchObject([{ name: 'old' }])
})

test('what is given is written as texts, and taken out where it says nothing', () => {
  expect(withParam({ dir: 'web' }, 'quick', false)).toEqual({ dir: 'web', quick: 'false' })
  expect(withParam({ dir: 'web' }, 'dir', undefined)).toBe(undefined)
})
