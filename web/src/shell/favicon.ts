// The tab's icon: the mark, or the status of the page's run in its shape and colour.
import { lightTokens } from '../theme/token-values.ts'
import type { StatusName } from '../ui/status/status.ts'

const plain = '/favicon.svg'
const octagon = 'M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z'
const shapes: Partial<Record<StatusName, string>> = {
  succeeded: `<circle cx="8" cy="8" r="7" fill="${lightTokens['st-success']}"/><path d="m4.9 8.3 2.1 2.1 4.1-4.5" fill="none" stroke="#fff" stroke-width="1.7"/>`,
  failed: `<path d="${octagon}" fill="${lightTokens['st-failed']}"/><path d="m5.7 5.7 4.6 4.6m0-4.6-4.6 4.6" stroke="#fff" stroke-width="1.7"/>`,
  running: `<path d="M8 2a6 6 0 1 1-5.64 3.95" fill="none" stroke="${lightTokens['st-running']}" stroke-width="2.6"/>`,
  queued: `<circle cx="8" cy="8" r="6.2" fill="none" stroke="${lightTokens['st-queued']}" stroke-width="2"/>`,
  canceled: `<circle cx="8" cy="8" r="6.2" fill="none" stroke="${lightTokens['st-cancelled']}" stroke-width="2"/><path d="M5 8h6" stroke="${lightTokens['st-cancelled']}" stroke-width="2"/>`,
}
shapes.lost = shapes.failed

export function showFavicon(status: StatusName | undefined): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
  if (!link) return
  const shape = status && shapes[status]
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${shape}</svg>`
  link.href = shape ? `data:image/svg+xml,${encodeURIComponent(svg)}` : plain
}
