// Work that yields after each small piece: whoever runs it chooses when to go on.

export type Pieces<T> = Generator<void, T>

/** A piece for each entry. */
export function* each<I, O>(entries: readonly I[], work: (entry: I) => O): Pieces<O[]> {
  const done: O[] = []
  for (const entry of entries) {
    done.push(work(entry))
    yield
  }
  return done
}

export function atOnce<T>(work: Pieces<T>): T {
  let piece = work.next()
  while (!piece.done) piece = work.next()
  return piece.value
}
