// Expressions of a pipeline: CEL in `when` and `if`, and `${{ }}` in texts. Compiled once, evaluated for each step of a run.

export {
  compileExpression,
  type Expression,
  ExpressionError,
  type Reference,
  references,
} from './expression/compile.ts'
export { type ConditionPart, conditionParts } from './expression/condition-parts.ts'
export { type ExpressionContext, evaluate, evaluateCondition, toText } from './expression/evaluate.ts'
export {
  contextFields,
  contextRoots,
  functionNames,
  statusFunctions,
  templateRoots,
  triggerRoots,
} from './expression/language.ts'
export { interpolateScript } from './expression/script.ts'
export {
  hasExpression,
  interpolate,
  interpolateValue,
  parseTemplate,
  type TemplatePart,
} from './expression/template.ts'
