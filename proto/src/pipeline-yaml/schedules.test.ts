// `on: { schedule }`: read, checked, kept in files and documents.
import { CatchUp, type PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, it } from 'vitest'
import { graphHash } from '../canonical.ts'
import { newDoc, project } from '../pipeline-doc.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'

const file = (on: string, inputs = '') => `name: x\n${inputs}on:\n  ${on}\nsteps:\n  a: { run: "true" }\n`
const read = (on: string, inputs = '') => parsePipeline(file(on, inputs))
const codes = (on: string, inputs = '') =>
  read(on, inputs).problems.map(({ code, field, line }) => `${code} ${field} ${line}`)
const crons = ({ triggers }: PipelineGraph) => triggers?.schedules.map(({ name, cron }) => name || cron)

describe('schedules', () => {
  it('are a list of maps, one map or a cron expression', () => {
    const { graph, problems } = read(
      'schedule: [{ cron: "0 3 * * *", timezone: Asia/Shanghai, name: nightly, inputs: { level: 2 }, catchUp: none }, "@weekly"]',
      'inputs: { level: { type: number } }\n',
    )
    expect(problems).toEqual([])
    expect(graph.triggers).toMatchObject({ manual: true })
    expect(graph.triggers?.schedules).toMatchObject([
      { cron: '0 3 * * *', timezone: 'Asia/Shanghai', name: 'nightly', inputs: { level: 2 }, catchUp: CatchUp.NONE },
      { cron: '@weekly', timezone: '', name: '', catchUp: CatchUp.UNSPECIFIED },
    ])
    expect(crons(read('schedule: "0 3 * * *"').graph)).toEqual(['0 3 * * *'])
    expect(crons(read('schedule: { cron: "0 3 * * *" }').graph)).toEqual(['0 3 * * *'])
  })

  it('leave runs by hand possible unless the file says otherwise', () => {
    expect(read('schedule: "@daily"').graph.triggers?.manual).toBe(true)
    expect(read('push: {}').graph.triggers?.manual).toBe(true)
    expect(read('{ schedule: "@daily", manual: false }').graph.triggers?.manual).toBe(false)
  })

  it('are told of by what is wrong with them, at its place', () => {
    expect(codes('schedule: [{ cron: "0 3 * *" }]')).toEqual(['cron_form on.schedule.0.cron 3'])
    expect(codes('schedule: [{ cron: "@daily", timezone: Mars }]')).toEqual(['timezone on.schedule.0.timezone 3'])
    expect(codes('schedule: ["@daily", "@daily"]')).toEqual(['duplicate_schedule on.schedule.1 3'])
    expect(codes('schedule: [{ cron: "@daily", name: " x" }]')).toEqual(['schedule_name on.schedule.0.name 3'])
    expect(codes('schedule: [{ name: x }]')).toEqual(['schedule_cron on.schedule.0 3'])
    expect(codes('schedule: [{ cron: "@daily", zone: UTC }]')).toEqual(['unknown_key on.schedule.0.zone 3'])
    expect(codes('schedule: [{ cron: "@daily", catchUp: all }]')).toEqual(['choice on.schedule.0.catchUp 3'])
    expect(codes('schedule: [{ cron: "@daily", inputs: [1] }]')).toEqual(['type on.schedule.0.inputs 3'])
    expect(codes('schedule: [{ cron: "@daily", inputs: { a: 1 } }]')).toEqual([
      'trigger_input on.schedule.0.inputs.a 3',
    ])
    const required = 'inputs: { a: { required: true } }\n'
    expect(codes('schedule: "@daily"', required)).toEqual(['trigger_input on.schedule.0.inputs.a 4'])
    expect(codes('schedule: [{ cron: "@daily", inputs: { a: 1 } }]', required)).toEqual([
      'trigger_input on.schedule.0.inputs.a 4',
    ])
  })

  it('are in the hash, and their order is not', () => {
    const hash = (on: string) => graphHash(read(on).graph)
    expect(hash('schedule: ["@daily", "@weekly"]')).toBe(
      hash('schedule: ["@weekly", { cron: "@daily", timezone: UTC }]'),
    )
    expect(hash('schedule: "@daily"')).not.toBe(hash('schedule: "@weekly"'))
    expect(hash('schedule: []')).toBe(hash('manual: true'))
  })

  it('change only their own lines', () => {
    const source = file('# when\n  schedule:\n    # the first\n    - cron: "@daily" # at night\n    - cron: "@weekly"')
    const { graph } = parsePipeline(source)
    const changed = (edit: (triggers: NonNullable<typeof graph.triggers>) => void) => {
      const copy = parsePipeline(source).graph
      edit(copy.triggers!)
      return renderPipeline(copy, source)
    }
    expect(changed((triggers) => triggers.schedules.reverse())).toBe(source)
    expect(changed((triggers) => (triggers.schedules[1]!.cron = '@hourly'))).toBe(source.replace('@weekly', '@hourly'))
    expect(changed((triggers) => (triggers.manual = false))).toContain('manual: false\n')
    expect(changed((triggers) => (triggers.manual = false))).toContain('# the first\n    - cron: "@daily" # at night')
    expect(changed((triggers) => (triggers.schedules.length = 0))).not.toContain('schedule')
  })

  it('are kept in the document', () => {
    const { graph } = read('schedule: [{ cron: "@daily", inputs: { a: b }, catchUp: none }]')
    const again = project(newDoc(graph, '')).graph
    expect(again.triggers?.schedules).toEqual(graph.triggers?.schedules)
    expect(graphHash(again)).toBe(graphHash(graph))
  })
})
