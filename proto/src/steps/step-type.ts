// What a step type is: one declarative value of this shape makes a family of steps known to file, editor and engine.
import type { JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { GitFacts } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { JsonObject, JsonValue, MessageInitShape } from '@bufbuild/protobuf'
import type { ApprovalAsk } from '../approval.ts'
import type { RunAsk } from '../child-run.ts'
import type { Said } from '../texts/say.ts'
import type { Text } from '../texts/template.ts'

export type { Text }

export type Category = 'source' | 'build' | 'test' | 'security' | 'deploy' | 'notify' | 'control'

/** How the form shows a parameter, where its JSON type does not say enough. */
export type Widget = 'script' | 'secret' | 'duration' | 'moment' | 'gitRef' | 'shell' | 'text' | 'multiline' | 'path'

/** A value: JSON Schema (draft 2020-12), as far as parameters go. */
export interface ParamShape {
  type: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'
  enum?: string[]
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  pattern?: string
  /** Of a list. */
  items?: ParamShape
  maxItems?: number
  /** Of a map: what its keys and its values are. */
  propertyNames?: { pattern: string }
  additionalProperties?: ParamShape
  maxProperties?: number
  /** Of an object: its fields, each with texts of its own. */
  properties?: Record<string, Param>
  required?: string[]
}

/** One parameter, with hints for the form. */
export interface Param extends ParamShape {
  default?: JsonValue
  examples?: string[]
  'x-widget'?: Widget
  /** Place in the form, ascending. */
  'x-order'?: number
  /** Folded away until asked for. */
  'x-advanced'?: boolean
  /** It stands with the step's own retries and timeout, not with the other parameters. */
  'x-tab'?: 'reliability'
  'x-text': { title: Text; help: Text }
  /** In an empty field of the form instead of the first of `examples`, where that is a text for people. */
  'x-example'?: Text
  /** Only means something where the parameter `of`, beside it, is one of `values`. */
  'x-only'?: { of: string; values: string[] }
  /** `${NAME}` in its texts stands for a secret that the step names. */
  'x-secrets'?: true
  /** Texts of the values of `enum`, where the value itself does not speak. */
  'x-enum-text'?: Record<string, Text>
}

export interface ParamSchema {
  type: 'object'
  properties: Record<string, Param>
  required: string[]
  additionalProperties: false
}

/** What an agent does: the init of JobSpec's oneof. */
export type Execution = Extract<NonNullable<MessageInitShape<typeof JobSpecSchema>['execution']>, { case: string }>

/** What an attempt asks for, and of whom. */
export type Work =
  | { by: 'agent'; execution: Execution }
  /** The controller does it: features/work has who performs each kind, which is the step type's id. */
  | { by: 'controller'; request: JsonObject }
  /** Nobody does anything: the step ends at this moment. */
  | { by: 'clock'; until: Date }
  /** People decide: features/approvals asks them. */
  | { by: 'people'; ask: ApprovalAsk }
  /** A run of another pipeline does: features/child-runs starts it. */
  | { by: 'run'; ask: RunAsk }
  /** The steps of a template do: templates/write-out.ts puts them in its place, so nobody is ever asked. */
  | { by: 'steps' }

export interface CompileContext {
  stepId: string
  now: Date
  /** Stands in the place of a secret's value: see secret-marks.ts. */
  secretMark?: string
  /** What the run is for. */
  git?: Pick<GitFacts, 'repositoryId' | 'repository' | 'commit' | 'ref'> | undefined
}

/** Something wrong with a parameter; `field` is its name. */
export interface ParamProblem {
  field: string
  said: Said
}

interface Family {
  /** The word after `uses:`. */
  id: string
  category: Category
  /** A lucide icon's name. */
  icon: string
  title: Text
  description: Text
  /** Other words people search by. */
  aliases: string[]
  params: ParamSchema
  /** What other systems call its parameters. */
  foreign?: Readonly<Record<string, string>>
  /** The parameters a new step starts with. */
  defaults: JsonObject
  /** One line that says what the step does, for a node of the graph. */
  summary(params: JsonObject): string
  /** Outputs every step of this type sets, besides those it declares. */
  outputs: string[]
  /** Those that its parameters name. */
  outputsOf?(params: JsonObject): string[]
  /** It may set others, whose names nobody knows beforehand. */
  openOutputs?: true
  /** What the schema cannot say; called with the parameters that fit it and hold no `${{ }}`, and the names of all there are. */
  check?(params: JsonObject, given: ReadonlySet<string>): ParamProblem[]
}

interface Performed<By extends Work['by']> {
  /** Who does it. */
  by: By
  /** Parameters are interpolated and fit the schema. */
  compile(params: JsonObject, ctx: CompileContext): Extract<Work, { by: By }>
}

export type StepType = Family &
  (
    | Performed<'agent'>
    | Performed<'controller'>
    | Performed<'clock'>
    | Performed<'people'>
    | Performed<'run'>
    | Performed<'steps'>
  )

/** A text parameter, "" when it is absent. */
export function text(params: JsonObject, name: string): string {
  const value = params[name]
  return typeof value === 'string' ? value : ''
}
