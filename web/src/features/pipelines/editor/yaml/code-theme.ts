// The look of code in the console's themes: CodeMirror's parts and the highlighting, on the design's variables.
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const look = EditorView.theme({
  '&': { fontSize: '12px', backgroundColor: 'var(--c-code)', color: 'var(--c-text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '20px', fontVariantLigatures: 'none' },
  '.cm-content': { padding: '6px 0', caretColor: 'var(--c-text)' },
  // Long lines scroll under the line numbers.
  '.cm-gutters': { backgroundColor: 'var(--c-code)', color: 'var(--c-text-3)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '24px', padding: '0 8px 0 4px' },
  '.cm-activeLine': { backgroundColor: 'transparent' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'var(--c-hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--c-text)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--c-focus) 22%, transparent)',
  },
  '.cm-panels': { backgroundColor: 'var(--c-raised)', color: 'var(--c-text)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--c-raised)',
    border: 'none',
    borderRadius: '4px',
    boxShadow: 'var(--shadow-2)',
    color: 'var(--c-text)',
  },
})

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword], color: 'var(--syn-key)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syn-str)' },
  { tag: [tags.number, tags.bool, tags.null, tags.attributeName], color: 'var(--syn-num)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--syn-com)' },
  { tag: [tags.variableName, tags.definition(tags.variableName)], color: 'var(--syn-var)' },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--syn-fn)' },
  { tag: [tags.standard(tags.variableName), tags.function(tags.variableName)], color: 'var(--syn-fn)' },
])

export const codeTheme: Extension = [look, syntaxHighlighting(colours)]
