import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCgroups, processesOf, removeCgroup } from './cgroup.ts'

test('a folder that is no control group is not taken for one, and left as it was', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ansflow-cgroup-'))
  try {
    const cgroups = createCgroups(folder)
    expect(cgroups.usable).toBe(false)
    expect(cgroups.make()).toBeUndefined()
    expect(readdirSync(folder)).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.each(['/proc', '/nowhere'])('where nothing can be made (%s) there are none', (home) => {
  expect(createCgroups(home).usable).toBe(false)
})

test('a group that is gone has no processes and is removed', () => {
  expect(processesOf('/nowhere/group')).toEqual([])
  expect(removeCgroup('/nowhere/group')).toBe(true)
})

const usable = createCgroups().usable

test.runIf(usable)(
  'an agent that starts leaves the empty groups of one that lives, and removes those of one that does not',
  () => {
    const mine = createCgroups().make()!
    const orphan = mine.replace(`ansflow-${process.pid}-`, 'ansflow-4194304-')
    mkdirSync(orphan)
    try {
      createCgroups()
      expect(existsSync(mine)).toBe(true)
      expect(existsSync(orphan)).toBe(false)
    } finally {
      removeCgroup(mine)
      removeCgroup(orphan)
    }
  },
)
