// What can be the name of a container image. It becomes a word of a command line, so it never looks like an option of it.
import { limits, patterns } from '../limits.ts'
import { type Said, say } from '../texts/say.ts'
import { quoted } from '../validate/finding.ts'

export function imageProblem(image: string): Said | undefined {
  if (image.length <= limits.imageName && patterns.image.test(image)) return undefined
  return say('image', quoted(image))
}
