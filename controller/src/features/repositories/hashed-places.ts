// Where the files lie that lists of globs can take: a large repository need not be listed for one of its files.

/** Paths of files and folders, as git takes them; none: they can lie anywhere. */
export function placesOf(lists: readonly (readonly string[])[]): string[] {
  const places = new Set<string>()
  for (const patterns of lists) {
    const wanted = patterns.filter((pattern) => !pattern.startsWith('!'))
    // Where all are taken away, everything else is taken.
    if (wanted.length === 0) return []
    for (const pattern of wanted) {
      const place = placeOf(pattern)
      if (place === '') return []
      places.add(place)
    }
  }
  return places.size > mostPlaces ? [] : [...places]
}

/** So that they fit into one command. */
const mostPlaces = 100

function placeOf(pattern: string): string {
  const [plain = ''] = /^[^*?[\]{}\\]*/.exec(pattern) ?? []
  const place = plain === pattern ? plain : plain.slice(0, Math.max(plain.lastIndexOf('/'), 0))
  return place.split('/').some((name) => name === '' || name === '.' || name === '..') ? '' : place
}
