// How wide a text is in Verdana of 11 pixels, which badges are drawn in, or in what takes its place.

/** In hundredths of a pixel, from the space on. */
const ascii = [
  387, 433, 505, 900, 699, 1184, 799, 295, 500, 500, 699, 900, 400, 500, 400, 500, 699, 699, 699, 699, 699, 699, 699,
  699, 699, 699, 500, 500, 900, 900, 900, 600, 1100, 752, 754, 768, 848, 696, 632, 853, 827, 463, 500, 762, 612, 927,
  823, 866, 663, 866, 765, 752, 678, 805, 752, 1088, 754, 677, 754, 500, 500, 500, 900, 700, 700, 661, 685, 573, 685,
  655, 387, 685, 696, 302, 379, 651, 302, 1070, 696, 668, 685, 685, 469, 573, 433, 696, 651, 900, 651, 651, 578, 698,
  500, 698, 900,
]
const other = 750
const wide = 1100
const isWide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303F\uFF01-\uFF60\uFFE0-\uFFE6]/u
const isPicture = /\p{Extended_Pictographic}/u
const isNothing = /[\p{M}\p{Cf}]/u

/** In whole pixels. */
export function textWidth(text: string): number {
  let width = 0
  for (const sign of text) {
    const known = ascii[sign.codePointAt(0)! - 32]
    if (known !== undefined) width += known
    else if (isNothing.test(sign)) continue
    else width += isWide.test(sign) || isPicture.test(sign) ? wide : other
  }
  return Math.ceil(width / 100)
}
