// Forms from a step type's schema, durations of a run's inputs, and the search over types.

import { InputDefinitionSchema, InputType } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type ParamShape, type StepType, stepType } from '@ansflow/proto/steps/index'
import { create, type JsonObject } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { inputDraft, inputValues } from '../../../ui/form/input-draft.ts'
import { pinyinInitials, searchTypes } from '../palette-search.ts'
import { formFields, listValues, mapValues, paramValue, withInner, withRow } from './form-fields.ts'

const none = { title: { en: '', 'zh-CN': '' }, help: { en: '', 'zh-CN': '' } }

describe('formFields', () => {
  it('follows the schema: order, titles in the language, advanced apart', () => {
    const form = formFields(stepType('fetch_code'), { url: 'https://git.example.com/a.git', depth: 1 }, 'zh-CN')
    expect(form.main.map((field) => [field.name, field.kind])).toEqual([
      ['url', 'text'],
      ['ref', 'text'],
      ['path', 'text'],
      ['depth', 'number'],
      ['submodules', 'boolean'],
    ])
    expect(form.main[0]).toMatchObject({ title: '仓库地址', required: false, value: 'https://git.example.com/a.git' })
    const request = formFields(stepType('http_request'), {}, 'en').main
    expect(request.find(({ name }) => name === 'url')).toMatchObject({ required: true })
    expect(form.main[3]).toMatchObject({ changed: true, fallback: 0 })
    expect(form.advanced.find((field) => field.name === 'passwordSecret')?.kind).toBe('secret')
  })

  it('shows what is inherited where the step says nothing, and that it says something else', () => {
    const shellOf = (params: JsonObject) =>
      formFields(stepType('custom'), params, 'en', { shell: 'bash' }).main.find(({ name }) => name === 'shell')
    expect(shellOf({ script: 'x' })).toMatchObject({ fallback: 'bash', changed: false, value: undefined })
    expect(shellOf({ script: 'x', shell: 'sh' })).toMatchObject({ fallback: 'bash', changed: true, value: 'sh' })
  })

  it('asks in each row only what means something there, and shows examples for people in their language', () => {
    const rows = (fields: JsonObject[]) =>
      formFields(stepType('approval'), { fields }, 'zh-CN').main.find(({ name }) => name === 'fields')!.rows
    const [text, choice, left] = rows([{ name: 'a' }, { name: 'b', type: 'choice' }, { name: 'c', options: ['x'] }])
    const names = (row: typeof text) => row?.map(({ name }) => name)
    expect(names(text)).toEqual(['name', 'label', 'type', 'required', 'default'])
    expect(names(choice)).toEqual(['name', 'label', 'type', 'options', 'required', 'default'])
    expect(names(left)).toContain('options')
    expect(text?.map(({ example }) => example)).toEqual(['reason', '为什么现在部署？', '', '', ''])
  })

  it('shows lists and maps by their entries, and an expression for all of it as a text', () => {
    const given = { url: 'x', headers: { A: 'b', N: 1 }, expectStatus: ['200'], outputs: '${{ inputs.o }}' }
    const { main } = formFields(stepType('http_request'), given, 'en')
    const field = (name: string) => main.find((one) => one.name === name)!
    expect([field('headers').kind, field('expectStatus').kind]).toEqual(['map', 'list'])
    expect(mapValues(field('headers'))).toEqual({ A: 'b', N: '1' })
    expect(listValues(field('expectStatus'))).toEqual(['200'])
    expect([field('outputs').expression, field('headers').expression]).toEqual([true, false])
    expect([mapValues(field('url')), listValues(field('url'))]).toEqual([{}, []])
  })

  it('shows objects by their fields, and lists of them row by row', () => {
    const port: ParamShape = {
      type: 'object',
      properties: { host: { type: 'integer', 'x-text': none }, as: { type: 'string', 'x-text': none } },
      required: ['host'],
    }
    const properties = {
      ports: { type: 'array', items: port, 'x-text': none },
      one: { ...port, 'x-text': none },
    } as const
    const type = {
      ...stepType('wait')!,
      params: { type: 'object', properties, required: [], additionalProperties: false },
    }
    const given: { ports: JsonObject[] } = { ports: [{ host: 80 }, { host: 443, as: 'tls' }] }
    const [ports, one] = formFields(type as StepType, given, 'en').main
    expect([ports!.kind, one!.kind]).toEqual(['rows', 'object'])
    expect(
      ports!.rows.map((row) => row.map(({ name, kind, value, required }) => [name, kind, value, required])),
    ).toEqual([
      [
        ['host', 'number', 80, true],
        ['as', 'text', undefined, false],
      ],
      [
        ['host', 'number', 443, true],
        ['as', 'text', 'tls', false],
      ],
    ])
    expect(withInner(ports!, 1, 'as', undefined)).toEqual([{ host: 80 }, { host: 443 }])
    expect(withInner(one!, 0, 'host', 8080)).toEqual({ host: 8080 })
    expect([withRow(ports!), withRow(ports!, 0)]).toEqual([[...given.ports, {}], [given.ports[1]]])
  })

  it('keeps parameters the type does not know', () => {
    const form = formFields(stepType('custom'), { script: 'x', colour: 'red', deep: { a: 1 } }, 'en')
    expect(form.other).toEqual([
      { name: 'colour', text: 'red' },
      { name: 'deep', text: '{"a":1}' },
    ])
    expect(formFields(undefined, { a: 'b' }, 'en').other).toEqual([{ name: 'a', text: 'b' }])
  })

  it('shows an expression in a text field, whatever the control would be', () => {
    const form = formFields(stepType('fetch_code'), { url: 'x', depth: '${{ inputs.depth }}' }, 'en')
    const depth = form.main.find((field) => field.name === 'depth')!
    expect(depth.expression).toBe(true)
    expect(paramValue(depth, '${{ inputs.depth }}')).toBe('${{ inputs.depth }}')
    expect(paramValue(depth, '3')).toBe(3)
    expect(paramValue(depth, '')).toBeUndefined()
    expect(paramValue(depth, 'three')).toBe('three')
  })
})

describe('the palette', () => {
  it('finds by title, alias, Chinese and pinyin initials', () => {
    const first = (query: string) => searchTypes(query)[0]?.id
    expect(first('bui')).toBe('build')
    expect(first('clone')).toBe('fetch_code')
    expect(first('构建')).toBe('build')
    expect(first('lqdm')).toBe('fetch_code')
    expect(pinyinInitials('脚本')).toBe('jb')
    expect(searchTypes('zzz')).toEqual([])
  })
})

describe('the inputs of a run', () => {
  const definitions = [
    { name: 'version', type: InputType.STRING, defaultValue: { kind: { case: 'stringValue' as const, value: '1.0' } } },
    { name: 'count', type: InputType.NUMBER },
    { name: 'pack', type: InputType.BOOLEAN },
    { name: 'level', type: InputType.CHOICE, options: ['quick', 'full'] },
  ].map((definition) => create(InputDefinitionSchema, definition))

  it('start from the defaults or the last values, without options that are gone', () => {
    expect(inputDraft(definitions)).toEqual({ version: '1.0', count: '', pack: false, level: '' })
    expect(inputDraft(definitions, { version: '2', count: 3, pack: true, level: 'gone' })).toEqual({
      version: '2',
      count: '3',
      pack: true,
      level: '',
    })
  })

  it('are sent in their types, and left out when empty', () => {
    expect(inputValues(definitions, { version: '', count: '4', pack: true, level: 'full' })).toEqual({
      count: 4,
      pack: true,
      level: 'full',
    })
  })
})
