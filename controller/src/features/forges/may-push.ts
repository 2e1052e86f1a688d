// Whether somebody may push, as forges tell it.
import { ForgeError } from './forge.ts'

/** As a part of a path; undefined: nobody is called so (apps are "name[bot]"). */
export function personPath(person: string): string | undefined {
  return /^[\p{L}\p{N}_.-]{1,100}$/u.test(person) && !/^\.+$/.test(person) ? encodeURIComponent(person) : undefined
}

/** What a forge says of somebody it does not know, or does not tell of, is no. */
export async function unlessUnknown(asked: Promise<boolean>): Promise<boolean> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ForgeError && (error.fault === 'missing' || error.fault === 'denied')) return false
    throw error
  }
}

export const pushingRoles: readonly string[] = ['write', 'maintain', 'admin', 'owner']
