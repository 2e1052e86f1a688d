// What an approval asks, of whom, and what its answers become: shared by the step type, the engine, the controller and the console.
import { type InputDefinition, InputDefinitionSchema, InputType } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import { type Grant, grantsOn, permissionsOf, type Scope } from './access.ts'
import { resolveInputs } from './inputs.ts'
import { writtenNumberProblem } from './number.ts'

export type FieldType = 'string' | 'number' | 'boolean' | 'choice'

/** As the file says it; a default is text whatever the type is. */
export interface ApprovalField {
  name: string
  label?: string
  type?: FieldType
  options?: string[]
  required?: boolean
  default?: string
}

/** What an approval step asks once its expressions have values. */
export interface ApprovalAsk {
  /** "role:<id>" or "user:<e-mail>". */
  approvers: string[]
  required: number
  selfApproval: boolean
  message: string
  fields: ApprovalField[]
  /** 0: never. */
  expiresMs: number
  onExpiry: OnExpiry
}

export type OnExpiry = 'reject' | 'approve'

/** Outputs that every approval has; no field is called so. */
export const approvalOutputs = ['decision', 'decidedBy', 'comment'] as const

export const longestComment = 2000

const inputTypes: Record<FieldType, InputType> = {
  string: InputType.STRING,
  number: InputType.NUMBER,
  boolean: InputType.BOOLEAN,
  choice: InputType.CHOICE,
}

/** The same as a run's inputs are defined, so that both are checked and shown by the same means. */
export function fieldDefinitions(fields: readonly ApprovalField[]): InputDefinition[] {
  return fields.map(({ name, label = '', type = 'string', options = [], required = false, default: given }) => {
    const value = given === undefined ? undefined : defaultValue(type, given)
    return create(InputDefinitionSchema, {
      name,
      description: label,
      type: inputTypes[type],
      options: type === 'choice' ? options : [],
      required,
      ...(value !== undefined && { defaultValue: { kind: value } }),
    })
  })
}

/** A text that does not fit the type stays one, which the checks of defaults then refuse. */
function defaultValue(type: FieldType, text: string) {
  if (type === 'number' && writtenNumberProblem(text.trim()) === undefined) {
    return { case: 'numberValue', value: Number(text) } as const
  }
  if (type === 'boolean' && (text === 'true' || text === 'false')) {
    return { case: 'boolValue', value: text === 'true' } as const
  }
  return { case: 'stringValue', value: text } as const
}

/** Answers as a step's outputs: texts as they are, numbers as JSON writes them, "true" or "false". */
export function answerTexts(values: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, answerText(value)]))
}

function answerText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What the outputs are when nobody answers. */
export function defaultAnswers(fields: readonly ApprovalField[]): Record<string, string> {
  return answerTexts(resolveInputs(fieldDefinitions(fields), {}).values)
}

/** Whether these words name the person, by their address or by what their grants on the thing let them do. */
export function namesPerson(
  approvers: readonly string[],
  { email, grants }: { email: string; grants: readonly Grant[] },
  scope: Scope,
): boolean {
  const here = grantsOn(grants, scope)
  return approvers.some((approver) => {
    const { kind, who } = approverParts(approver)
    if (kind === 'user') return who.toLowerCase() === email.toLowerCase()
    const asked = kind === 'role' ? [...permissionsOf(who)] : []
    // Who can all that the role can may stand in for it: an owner for a maintainer.
    return asked.length > 0 && here.some((grant) => asked.every((permission) => grant.permissions.has(permission)))
  })
}

export function approverParts(approver: string): { kind: string; who: string } {
  const [, kind = '', who = ''] = /^(\w+):(.*)$/s.exec(approver) ?? []
  return { kind, who }
}
