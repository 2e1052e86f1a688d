// Of what is done for one key, one thing after the other, within this controller.

export type OneAtATime = <T>(key: string, work: () => Promise<T>) => Promise<T>

export function oneAtATime(): OneAtATime {
  const last = new Map<string, Promise<unknown>>()
  return async (key, work) => {
    const before = last.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    last.set(key, mine)
    try {
      return await mine
    } finally {
      if (last.get(key) === mine) last.delete(key)
    }
  }
}
