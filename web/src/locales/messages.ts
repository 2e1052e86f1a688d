// Joins the texts of all folders: `features/runs/locales/en.json` is found under `runs.…`, `ui/locales/en.json` under `ui.…`.

export interface MessageTree {
  [key: string]: string | MessageTree
}

/** From module paths that end in `<name>/locales/<language>.json`. */
export function byFolder(modules: Record<string, MessageTree>): MessageTree {
  return Object.fromEntries(
    Object.entries(modules).map(([path, messages]) => [path.split('/').at(-3) ?? path, messages]),
  )
}
