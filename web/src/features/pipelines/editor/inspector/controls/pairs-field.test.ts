// A name that is added is followed by its value, whenever the document has taken it.
import { mount } from '@vue/test-utils'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { i18n, setLanguage } from '../../../../../i18n.ts'
import PairsField from './PairsField.vue'

beforeAll(() => setLanguage('en'))
let mounted: { unmount(): void } | undefined
afterEach(() => mounted?.unmount())

function field() {
  const pairs = mount(PairsField, {
    attachTo: document.body,
    global: { plugins: [i18n] },
    props: { values: { Accept: 'text/plain' }, label: 'Headers' },
  })
  mounted = pairs
  return pairs
}

it('puts the focus into the value of the new name', async () => {
  const pairs = field()
  const fresh = pairs.get<HTMLInputElement>('.fresh')
  fresh.element.focus()
  await fresh.setValue('X-Trace')
  await fresh.trigger('change')
  await pairs.get('form').trigger('submit')
  expect(pairs.emitted('commit')).toEqual([[{ Accept: 'text/plain', 'X-Trace': '' }]])
  // The document answers later.
  await nextTick()
  await pairs.setProps({ values: { Accept: 'text/plain', 'X-Trace': '' } })
  expect(document.activeElement).toBe(pairs.findAll('.value')[1]?.element)
  expect(fresh.element.value).toBe('')
})

it('leaves who has gone elsewhere meanwhile', async () => {
  const pairs = field()
  const elsewhere = document.body.appendChild(document.createElement('input'))
  await pairs.get('.fresh').setValue('X-Trace')
  await pairs.get('.fresh').trigger('change')
  elsewhere.focus()
  await pairs.setProps({ values: { Accept: 'text/plain', 'X-Trace': '' } })
  expect(document.activeElement).toBe(elsewhere)
  elsewhere.remove()
})

it.each(['__proto__', 'constructor'])('does not take %s, and shows it', async (name) => {
  const pairs = field()
  await pairs.get('.fresh').setValue(name)
  await pairs.get('form').trigger('submit')
  expect(pairs.emitted('commit')).toBeUndefined()
  expect(pairs.get('.fresh').attributes('aria-invalid')).toBe('true')
})
