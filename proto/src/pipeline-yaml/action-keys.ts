// The keys of a step in the file that stand for parameters of script types.

export const actionKeys = { run: 'script', shell: 'shell', workdir: 'workingDirectory' } as const

export type ActionKey = keyof typeof actionKeys

export const actionEntries = Object.entries(actionKeys) as [ActionKey, (typeof actionKeys)[ActionKey]][]
