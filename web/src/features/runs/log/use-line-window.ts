// Which lines of a log are in the page and where: fixed rows of 20 px, or rows as high as their wrapped text.
import { computed, nextTick, onBeforeUnmount, onMounted, type Ref, ref, watch } from 'vue'

interface LineWindowOptions {
  scroller: Readonly<Ref<HTMLElement | null>>
  windowElement: Readonly<Ref<HTMLElement | null>>
  total: Readonly<Ref<number>>
  wrap(): boolean
  following: Ref<boolean>
}

const rowHeight = 20
const overscan = 20
/** Browsers stop at about 33 million pixels; longer logs scroll in proportion instead of pixel by pixel. */
const tallest = 16_000_000
const endSlack = 4

export function useLineWindow({ scroller, windowElement, total, wrap, following }: LineWindowOptions) {
  const height = ref(400)
  const scrollTop = ref(0)
  /** Mean height of the rows in view; wrapped lines are higher than one row. */
  const meanHeight = ref(rowHeight)

  const fullHeight = computed(() => Math.min(total.value * rowHeight, tallest))
  const visible = computed(() => Math.ceil(height.value / rowHeight))
  const most = computed(() => Math.max(1, fullHeight.value - height.value))
  const atEnd = computed(() => scrollTop.value >= most.value - endSlack)
  /** With wrapping the last screen holds fewer lines than rows. */
  const lastScreen = computed(() => height.value / (wrap() ? Math.max(rowHeight, meanHeight.value) : rowHeight))
  const topLine = computed(
    () => (Math.min(scrollTop.value, most.value) / most.value) * Math.max(0, total.value - lastScreen.value),
  )
  const first = computed(() => {
    if (!wrap()) return Math.max(1, Math.floor(topLine.value) + 1 - overscan)
    return Math.max(1, atEnd.value ? total.value - visible.value : Math.floor(topLine.value) + 1)
  })
  const last = computed(() =>
    wrap() && atEnd.value
      ? total.value
      : Math.min(total.value, Math.floor(topLine.value) + visible.value + (wrap() ? 1 : overscan)),
  )
  const place = computed(() => {
    if (wrap()) {
      // The last screen hangs from the end of the log, every other from its first line.
      const hanging = atEnd.value && total.value > visible.value
      return hanging ? { top: 'auto', bottom: '0' } : { transform: `translateY(${scrollTop.value}px)` }
    }
    const inProportion = fullHeight.value < total.value * rowHeight
    const offset = inProportion
      ? scrollTop.value + (first.value - 1 - topLine.value) * rowHeight
      : (first.value - 1) * rowHeight
    return { transform: `translateY(${offset}px)` }
  })

  watch([total, following, height, wrap], () => {
    if (!following.value) return
    void nextTick(() => {
      if (following.value) toEnd()
    })
  })
  watch(
    [first, last, wrap, height],
    () => {
      const rows = last.value - first.value + 1
      if (wrap() && windowElement.value && rows > 0) meanHeight.value = windowElement.value.offsetHeight / rows
    },
    { flush: 'post' },
  )

  function toEnd(): void {
    if (scroller.value) scroller.value.scrollTop = scroller.value.scrollHeight
  }

  function showPlace(number: number): void {
    const element = scroller.value
    if (!element) return
    following.value = false
    const lines = Math.max(1, total.value - lastScreen.value)
    const above = wrap() ? 1 : visible.value / 3
    element.scrollTop = ((number - 1 - above) / lines) * most.value
  }

  /** A person who scrolls up stops following; at the very end it goes on. */
  function onScroll(): void {
    const element = scroller.value
    if (!element) return
    const up = element.scrollTop < scrollTop.value
    scrollTop.value = element.scrollTop
    if (element.scrollHeight - element.scrollTop - element.clientHeight < endSlack) following.value = true
    else if (up) following.value = false
  }

  /** The wish to go up counts at once: the next line may come before the page has scrolled. */
  function onWheel(event: WheelEvent): void {
    if (event.deltaY < 0) following.value = false
  }

  let observer: ResizeObserver | undefined
  onMounted(() => {
    observer = new ResizeObserver(([entry]) => {
      if (entry) height.value = entry.contentRect.height
    })
    if (scroller.value) observer.observe(scroller.value)
  })
  onBeforeUnmount(() => observer?.disconnect())

  return { first, last, fullHeight, place, onScroll, onWheel, showPlace, toEnd }
}
