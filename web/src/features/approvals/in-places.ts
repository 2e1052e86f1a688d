// A list to decide in holds still: nothing moves under the hand that is about to press a button.

/** Those of `now` in the order in which they have been shown; what has come since stands last. */
export function inPlaces<T extends { id: string }>(shown: readonly string[], now: readonly T[]): T[] {
  const places = new Map(shown.map((id, place) => [id, place]))
  const placeOf = ({ id }: T) => places.get(id) ?? shown.length
  return now.toSorted((a, b) => placeOf(a) - placeOf(b))
}
