// What callers may give for a run's inputs.
import { InputDefinitionSchema, InputType } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { resolveInputs } from './inputs.ts'
import { saidText } from './texts/said-text.ts'
import type { Said } from './texts/say.ts'

function define(
  name: string,
  type: InputType,
  rest: { options?: string[]; required?: boolean; default?: JsonValue } = {},
) {
  const { default: value, ...fields } = rest
  const definition = create(InputDefinitionSchema, { name, type, ...fields })
  if (value !== undefined) definition.defaultValue = fromJson(ValueSchema, value)
  return definition
}

const definitions = [
  define('text', InputType.STRING, { default: 'a' }),
  define('count', InputType.NUMBER, { default: 2 }),
  define('flag', InputType.BOOLEAN),
  define('level', InputType.CHOICE, { options: ['low', 'high'] }),
  define('must', InputType.STRING, { required: true }),
]

describe('resolveInputs', () => {
  it('fills in defaults and empty values', () => {
    expect(resolveInputs(definitions, { must: 'x' })).toEqual({
      values: { text: 'a', count: 2, flag: false, level: 'low', must: 'x' },
      violations: [],
    })
  })

  it.each<[string, JsonValue, string]>([
    ['count', '3', 'Send it without quotes'],
    ['flag', 'true', 'Send it without quotes'],
    ['count', Number.NaN, 'must be a number'],
    ['count', '9007199254740993', 'exact only'],
    ['count', '0x1F', 'plain decimal digits'],
    ['count', 9007199254740992, 'exact only'],
    ['count', 1e300, 'exact only'],
    ['count', Number.POSITIVE_INFINITY, 'must be a number'],
    ['count', -0, 'not -0'],
    ['flag', 'yes', 'true or false'],
    ['flag', 1, 'true or false'],
    ['text', 'a\0', 'NUL'],
    ['text', '\ud83d', 'U+D83D'],
    ['text', 3, 'must be text'],
    ['level', 'middle', '"low", "high"'],
    ['text', ['a'], 'not a list'],
    ['must', null, 'is required'],
  ])('refuses %s = %j', (name, value, message) => {
    const { violations } = resolveInputs(definitions, { must: 'x', [name]: value })
    expect(violations).toHaveLength(1)
    expect(violations[0]).toMatchObject({ field: `inputs.${name}`, message: expect.stringContaining(message) })
  })

  it('calls what an approval asks for a field', () => {
    const { violations } = resolveInputs(definitions, { other: 'x' }, 'fields')
    expect(violations.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      expect.stringMatching(/^fields\.other: The approval has no field "other"\. There are: /),
      'fields.must: This field is required.',
    ])
    expect(violations.map(({ code, params }) => saidText({ code, params } as Said, 'zh-CN'))).toEqual([
      expect.stringContaining('审批没有字段 "other"。'),
      '此字段必填。',
    ])
  })

  it('refuses inputs that are not defined, and nothing reaches a prototype', () => {
    const { violations, values } = resolveInputs(definitions, JSON.parse('{"must":"x","cuont":1,"__proto__":{"y":1}}'))
    expect(violations.map((each) => each.field)).toEqual(['inputs.cuont', 'inputs.__proto__'])
    expect(violations[0]!.message).toContain('Did you mean "count"?')
    expect(Object.getPrototypeOf(values)).toBe(Object.prototype)
  })
})
