// Asks before what cannot be undone; where very much is lost, the name has to be typed.
import { shallowRef } from 'vue'

export interface ConfirmQuestion {
  title: string
  text: string
  /** The word on the button: "Delete project", never "OK". */
  action: string
  /** Has to be typed before the button works. */
  typed?: string
  danger?: boolean
  /** What may be done as well: a box to tick. */
  option?: string
  /** Done while the dialog stays open; what it throws is shown in it. */
  run: (withOption: boolean) => Promise<void>
}

export const question = shallowRef<ConfirmQuestion>()

export function confirmAction(asked: ConfirmQuestion): void {
  question.value = asked
}
