// Who made a commit, from "Name <mail>": the same person has the same colour, whatever the name says.

export function personOfCommit(author: string): { id: string; name: string } {
  const found = /^(.*?)\s*<([^>]*)>\s*$/.exec(author)
  const name = (found?.[1] || found?.[2] || author).trim()
  return { id: found?.[2]?.toLowerCase() || name, name }
}
