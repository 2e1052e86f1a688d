// Finding step types by what people type: titles in both languages, ids, aliases, pinyin initials.
import { type Category, type StepType, stepTypes } from '@ansflow/proto/steps/index'

export interface PaletteGroup {
  category: Category
  types: StepType[]
}

const order: Category[] = ['source', 'build', 'test', 'security', 'deploy', 'control', 'notify']

export function paletteGroups(types: Iterable<StepType> = stepTypes.values()): PaletteGroup[] {
  const all = [...types]
  return order
    .map((category) => ({ category, types: all.filter((type) => type.category === category) }))
    .filter((group) => group.types.length > 0)
}

/** Best first. An empty query finds all, in the palette's order. */
export function searchTypes(query: string, types: Iterable<StepType> = stepTypes.values()): StepType[] {
  const wanted = query.trim().toLowerCase()
  const all = paletteGroups(types).flatMap((group) => group.types)
  if (wanted === '') return all
  return all
    .map((type, index) => ({ type, index, rank: rank(type, wanted) }))
    .filter((found) => found.rank > 0)
    .sort((a, b) => b.rank - a.rank || a.index - b.index)
    .map((found) => found.type)
}

function rank(type: StepType, wanted: string): number {
  const titles = [type.id, type.title.en.toLowerCase(), type.title['zh-CN']]
  if (titles.includes(wanted)) return 5
  if (titles.some((title) => title.startsWith(wanted))) return 4
  if (type.aliases.some((alias) => alias.toLowerCase().startsWith(wanted))) return 3
  if (pinyinInitials(type.title['zh-CN']).startsWith(wanted)) return 3
  if (titles.some((title) => title.includes(wanted))) return 2
  return type.description.en.toLowerCase().includes(wanted) || type.description['zh-CN'].includes(wanted) ? 1 : 0
}

// The first character of each initial in the order of Chinese collation: what sorts between two of them starts with the first.
const letters = 'abcdefghjklmnopqrstwxyz'
const firsts = '阿八嚓哒妸发旮哈讥咔垃痳拏噢妑七呥扨它穵夕丫帀'
const collator = new Intl.Collator('zh-Hans-CN')

export function pinyinInitials(text: string): string {
  let initials = ''
  for (const character of text) {
    if (!/\p{Script=Han}/u.test(character)) {
      if (/[a-z0-9]/i.test(character)) initials += character.toLowerCase()
      continue
    }
    let letter = ''
    for (let i = 0; i < firsts.length; i++) {
      if (collator.compare(character, firsts[i]!) >= 0) letter = letters[i]!
    }
    initials += letter
  }
  return initials
}
