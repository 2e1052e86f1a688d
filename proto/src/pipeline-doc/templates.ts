// Owns the templates in the shared document: each in one piece under its name, so that people who change different ones merge.
import type { Template } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type * as Y from 'yjs'
import { plainTemplate, templateOf } from '../fields/templates.ts'
import { reorder } from './order.ts'
import { compareText, isRecord, put } from './shape.ts'

export function projectTemplates(templates: Y.Map<unknown>): Template[] {
  const found: { ord: string; name: string; template: Template }[] = []
  for (const [name, entry] of templates) {
    if (!isRecord(entry)) continue
    for (const template of templateOf(entry.template)) {
      found.push({ ord: ordOf(entry) ?? '', name, template: { ...template, name } })
    }
  }
  return found.sort((a, b) => compareText(a.ord, b.ord) || compareText(a.name, b.name)).map(({ template }) => template)
}

export function writeTemplates(templates: Y.Map<unknown>, wanted: readonly Template[]): void {
  const byName = new Map(wanted.map((template) => [template.name, template]))
  for (const name of [...templates.keys()]) if (!byName.has(name)) templates.delete(name)
  const items = [...byName.keys()].map((name) => ({ id: name, ord: ordOf(templates.get(name)) }))
  const orders = reorder(items)
  for (const { id, ord } of items) {
    put(templates, id, { ord: orders.get(id) ?? ord ?? '', template: plainTemplate(byName.get(id)!) })
  }
}

function ordOf(entry: unknown): string | undefined {
  const ord = isRecord(entry) ? entry.ord : undefined
  return typeof ord === 'string' && ord !== '' ? ord : undefined
}
