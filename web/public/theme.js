// Sets theme and language before the first paint, so that a dark page does not flash white. Read again by src/theme/use-theme.ts.
;(() => {
  const root = document.documentElement
  let theme = null
  try {
    theme = localStorage.getItem('ansflow.theme')
    const language = localStorage.getItem('ansflow.language')
    if (language) root.lang = language
  } catch {
    // Storage is switched off: the system's theme applies.
  }
  const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  root.dataset.theme = dark ? 'dark' : 'light'
})()
