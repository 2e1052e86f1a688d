// What is typed or pasted into a shared text and would be more than the controller takes does not get into it.
import type { Said } from '@ansflow/proto/texts/say'
import { EditorState, type Extension } from '@codemirror/state'
import { tellRefused } from '../../refused-text.ts'

/** Of what is inserted, and of what the text would be with it. */
export function refusedInput(refuses: (inserted: string, text: string) => Said | undefined): Extension {
  return EditorState.transactionFilter.of((transaction) => {
    // What others have changed came through the controller.
    if (!transaction.docChanged || !transaction.isUserEvent('input')) return transaction
    let inserted = ''
    transaction.changes.iterChanges((_fromA, _toA, _fromB, _toB, text) => {
      inserted += text.toString()
    })
    const refused = refuses(inserted, transaction.newDoc.toString())
    if (!refused) return transaction
    tellRefused(refused)
    return []
  })
}
