/** Milliseconds by the machine's clock, as all processes of a measurement have it, finer than Date.now(). */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
