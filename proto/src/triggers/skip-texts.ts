// What people write into the message of a commit that nothing is to run for.

const texts = /\[(?:skip (?:ci|actions|ansflow)|ci skip|no ci)\]|\*{3}NO_CI\*{3}/i

/** The text of a message that says so, as it is written there. */
export function skipText(message: string): string | undefined {
  return texts.exec(message)?.[0]
}
