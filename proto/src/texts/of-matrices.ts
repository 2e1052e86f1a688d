// What is wrong with the matrix of a step, as it is written or as its expressions have made it.
import { got, gotParams, gotZh } from './parts.ts'
import type { Entry } from './template.ts'

export const ofMatrices = {
  matrix_whole: {
    params: [],
    en: 'matrix is a map of axes. For a list that an expression gives, write include: ${{ … }} in it, or an expression as an axis.',
    'zh-CN': 'matrix 是各轴的映射。若列表由表达式给出，请在其中写 include: ${{ … }}，或以表达式作为一个轴。',
  },
  want_matrix_list: {
    params: ['key', ...gotParams],
    en: `{key} must be a list, or one $\{{ }} that gives a list, not ${got}.`,
    'zh-CN': `{key} 须为列表，或一个给出列表的 $\{{ }}，而不是${gotZh}。`,
  },
  want_matrix_value: {
    params: ['key', ...gotParams],
    en: `The values of {key} must be text, numbers, true or false, not ${got}.`,
    'zh-CN': `{key} 的值须为文本、数字、true 或 false，而不是${gotZh}。`,
  },
  max_parallel: {
    params: ['most'],
    en: 'maxParallel must be a whole number from 1 to {most}. Without it, all copies run at once.',
    'zh-CN': 'maxParallel 须为 1 到 {most} 的整数。不写则所有副本同时运行。',
  },
  matrix_nothing: {
    params: ['example'],
    en: 'The matrix has neither an axis nor include. Write one, such as {example}.',
    'zh-CN': '矩阵既没有轴，也没有 include。请写一个，例如 {example}。',
  },
  matrix_axes: {
    params: ['most'],
    en: 'A matrix may have at most {most} axes.',
    'zh-CN': '矩阵最多有 {most} 个轴。',
  },
  matrix_name: {
    params: ['name'],
    en: '{name} cannot be the name of an axis: use letters, digits and _, not beginning with a digit.',
    'zh-CN': '{name} 不能作轴名：只能用字母、数字和 _，且不以数字开头。',
  },
  duplicate_axis: {
    params: ['name'],
    en: 'The axis {name} is there twice.',
    'zh-CN': '轴 {name} 出现了两次。',
  },
  matrix_axis_empty: {
    params: ['name'],
    en: 'The axis {name} has no values, so there would be no copies.',
    'zh-CN': '轴 {name} 没有值，因此不会有副本。',
  },
  matrix_exclude: {
    params: ['name'],
    en: 'exclude names {name}, which is no axis.',
    'zh-CN': 'exclude 中的 {name} 不是轴。',
  },
  matrix_one: {
    params: [],
    en: 'A list comes of one ${{ }} with nothing around it, such as ${{ fromJSON(steps.plan.outputs.list) }}.',
    'zh-CN': '列表须由单独一个 ${{ }} 给出，前后没有其他文字，例如 ${{ fromJSON(steps.plan.outputs.list) }}。',
  },
  matrix_none: {
    params: [],
    en: 'exclude leaves no combination, so the step is skipped.',
    'zh-CN': 'exclude 没有留下任何组合，因此该步骤会被跳过。',
  },
  matrix_many: {
    params: ['count', 'most'],
    en: 'The matrix has {count} copies; {most} are possible.',
    'zh-CN': '矩阵有 {count} 个副本；最多 {most} 个。',
  },
  matrices_many: {
    params: ['count', 'most'],
    en: 'The matrices of the pipeline have {count} copies together; {most} are possible.',
    'zh-CN': '流水线各矩阵共有 {count} 个副本；最多 {most} 个。',
  },
  matrix_large: {
    params: ['most'],
    en: 'The values of all copies together are longer than {most} KiB.',
    'zh-CN': '所有副本的值合计超过 {most} KiB。',
  },
  matrix_values: {
    params: ['name', 'most'],
    en: '{name} has more than {most} entries.',
    'zh-CN': '{name} 超过 {most} 项。',
  },
  matrix_value_long: {
    params: ['name', 'most'],
    en: 'A value of {name} is longer than {most} characters.',
    'zh-CN': '{name} 的一个值超过 {most} 个字符。',
  },
  matrix_list: {
    params: ['name', 'value'],
    en: '{name} must be a list, not {value}.',
    'zh-CN': '{name} 须为列表，而不是 {value}。',
  },
  matrix_entry: {
    params: ['name', 'value'],
    en: 'The entries of {name} must be maps of values, not {value}.',
    'zh-CN': '{name} 的每一项须为值的映射，而不是 {value}。',
  },
  matrix_scalar: {
    params: ['name', 'value'],
    en: 'The values of {name} must be text, numbers, true or false, not {value}.',
    'zh-CN': '{name} 的值须为文本、数字、true 或 false，而不是 {value}。',
  },
  matrix_unknown: {
    params: ['name', 'near?', 'only?', 'known?'],
    en: 'The matrix of this step has no {name}.[ Did you mean "{near}"?| There is: {only}.| There are: {known}.]',
    'zh-CN': '此步骤的矩阵没有 {name}。[是否想写“{near}”？|只有：{only}。|可用：{known}。]',
  },
  matrix_absent: {
    params: ['name'],
    en: '{name} is there in steps with a matrix only, and not in the matrix itself.',
    'zh-CN': '{name} 只在带矩阵的步骤中可用，且不能用于矩阵本身。',
  },
  matrix_shares: {
    params: ['workspace'],
    en: 'The copies ask for labels of their own but share the workspace {workspace}, which lives on one agent. Give each its own, such as workspace: build-${{ matrix.os }}, or isolated.',
    'zh-CN':
      '各副本要求各自的标签，却共用只在一个代理上的工作区 {workspace}。请为每个副本另设工作区，例如 workspace: build-${{ matrix.os }}，或 isolated。',
  },
} as const satisfies Record<string, Entry>
