// Where shells compute with what a variable holds, and run the substitutions in it: `a[$(…)]` is a number to them. Beside `$(( ))`, which has
// quotes of its own, these are words of commands and places within `${ }`. What is looked at is short, however long a script is.

/** Of a line and of the command in it, up to the variable. */
export function computes(line: string, command: string): boolean {
  return isInBrackets(line) || isOffset(line) || isSubscript(command) || ofCommand.some((each) => each.test(command))
}

/** So much of a line, or of a command's beginning and end, is enough to tell. Cut when there is twice as much, so that it costs little. */
const kept = 1000

export function lastOf(line: string): string {
  return line.length > 2 * kept ? line.slice(-kept) : line
}

export function shortened(command: string): string {
  return command.length > 4 * kept ? command.slice(0, kept) + command.slice(-kept) : command
}

/** Words that may stand before a command. */
const begin = '^\\s*(?:(?:if|elif|while|until|then|do|else|time|!|\\{)\\s+)*'
const declaring = '(?:declare|typeset|local|readonly|export)'

const ofCommand = [
  new RegExp(`${begin}(?:let|unset)\\s`),
  new RegExp(`${begin}${declaring}\\s+(?:[-+]\\w+\\s+)*-\\w*i`),
  new RegExp(`${begin}printf\\s+-v\\s*["']?[^\\s"']*$`),
  /(?:^|\s)(?:\[\[?|test)\s(?:.*\s)?-[vR]\s+["']?[^\s"']*$/s,
]

/** `$[ … ]`, and the index in `${name[…]}`. */
function isInBrackets(line: string): boolean {
  const open = line.lastIndexOf('[')
  if (open < 0 || open < line.lastIndexOf(']')) return false
  return line[open - 1] === '$' || /\$\{[!#]?\w{1,100}$/.test(line.slice(Math.max(0, open - 110), open))
}

/** The offset in `${name:…}`. */
function isOffset(line: string): boolean {
  const open = line.lastIndexOf('${')
  if (open < 0 || open < line.lastIndexOf('}')) return false
  return /^\$\{\w{1,100}(?:\[[^\]]{0,100}\])?:(?![-=+?])/.test(line.slice(open, open + 250))
}

/** The index in `name[…]=`, which begins a command or is what one declares. */
function isSubscript(command: string): boolean {
  const open = command.indexOf('[')
  if (open <= 0 || open < command.lastIndexOf(']')) return false
  return subscripted.test(command.slice(0, open))
}

const subscripted = new RegExp(`${begin}(?:(?:${declaring}|read)\\s+(?:-\\w+\\s+)*)?\\w{1,100}$`)

const test = new RegExp(`${begin}\\[\\[\\s`)

/** Of a command so far: `[[`, which goes on behind `&&` and on the next line. */
export function isOpenTest(command: string): boolean {
  return test.test(command.slice(0, 200)) && !/\]\]\s*$/.test(command.slice(-20))
}

const operator = '-(?:eq|ne|lt|le|gt|ge)'
const comparing = new RegExp(`\\s${operator}\\s+["']?[^\\s"']{0,100}$`)
const compared = new RegExp(`^[^\\s"']{0,100}["']?\\s+${operator}\\s`)

/** Of a command up to the variable, and of what stands behind that: one of `[[ … -eq … ]]`, or of what is written like it. */
export function comparesNumbers(command: string, next: string): boolean {
  if (!/(?:^|\s)(?:\[\[?|test)\s/.test(command)) return false
  return comparing.test(command.slice(-kept)) || compared.test(next.slice(0, kept))
}
