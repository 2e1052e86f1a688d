// What is typed or pasted into a shared text holds nothing that cannot be stored: the controller would take none of the change.
import { storable } from '@ansflow/proto/characters'
import { type ChangeSpec, EditorState } from '@codemirror/state'

export const storableInput = EditorState.transactionFilter.of((transaction) => {
  // What others have changed came through the controller, and comes in as it is.
  if (!transaction.docChanged || !transaction.isUserEvent('input')) return transaction
  const changes: ChangeSpec[] = []
  let clean = true
  transaction.changes.iterChanges((from, to, _fromB, _toB, inserted) => {
    const text = inserted.toString()
    const insert = storable(text)
    if (insert !== text) clean = false
    changes.push({ from, to, insert })
  })
  return clean ? transaction : [{ changes, userEvent: 'input', scrollIntoView: true }]
})
