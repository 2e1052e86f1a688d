// Reads tokens.css into plain objects: what a variable is in the light and in the dark theme.

export interface ParsedTokens {
  light: Record<string, string>
  dark: Record<string, string>
}

/** Colours of code, charts and canvas are used through CSS variables only and stay out of the script bundle. */
const inScript = /^(font|radius|c|st|chart|heat|load|shadow|who)-/

export function parseTokens(css: string): ParsedTokens {
  const text = css.replace(/\/\*[\s\S]*?\*\//g, '')
  const shared: Record<string, string> = {}
  const dark: Record<string, string> = {}
  for (const [, selector = '', body = ''] of text.matchAll(/([^{}]+)\{([^{}]*)\}/g)) {
    const name = selector.trim()
    if (name.startsWith(':root')) Object.assign(shared, declarations(body))
    else if (name === '[data-theme="dark"]') Object.assign(dark, declarations(body))
    if (/:lang|@media/.test(name)) break
  }
  return { light: shared, dark: { ...shared, ...dark } }
}

function declarations(body: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, name = '', value = ''] of body.matchAll(/--([\w-]+)\s*:\s*([^;]+);/g)) {
    if (inScript.test(name)) found[name] = value.trim().replace(/\s+/g, ' ')
  }
  return found
}
