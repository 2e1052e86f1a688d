import { AnnotationLevel } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AnnotationFinder } from './annotations.ts'

function found(...pieces: (string | Buffer)[]) {
  const finder = new AnnotationFinder()
  for (const piece of pieces) finder.pass(Buffer.from(piece as string))
  return finder.all
}

const messages = (...pieces: (string | Buffer)[]) => found(...pieces).annotations.map(({ message }) => message)

test('annotations of a log, each with the place of its line', () => {
  const log = 'make\n::error file=a.c,line=3::no ;\n  ok\n::notice::done\n'
  expect(found(log).annotations).toMatchObject([
    { level: AnnotationLevel.ERROR, file: 'a.c', line: 3, message: 'no ;', logOffset: 5n },
    { level: AnnotationLevel.NOTICE, message: 'done', logOffset: BigInt(log.indexOf('::notice')) },
  ])
})

test('blanks, colours and a title before it, as before an add-mask line', () => {
  expect(
    messages('  ::error::a\r\n\t\u001b[31m::WARNING::b\u001b[0m\n\u001b]0;x\u0007::notice::c\n\ufeff::error::d'),
  ).toEqual(['a', 'b', 'c', 'd'])
})

test('what stands in a line is none', () => {
  expect(
    messages('std::error::x\n echo "::error::x"\nnote ::error::x\n::group::x\n::errors::x\n:::error::x\n'),
  ).toEqual([])
})

test('a last line without an end counts, and is none once it goes on as another', () => {
  expect(messages('::error::half')).toEqual(['half'])
  expect(messages('::err')).toEqual([])
  expect(messages('::error:', ':whole\n')).toEqual(['whole'])
})

test('so many are kept, the others are counted', () => {
  const { annotations, leftOut } = found('::warning::again\n'.repeat(limits.annotations + 7), '::error::and this')
  expect([annotations.length, leftOut]).toEqual([limits.annotations, 8])
})

test('a line without an end costs no memory', () => {
  const { annotations } = found(
    '::error::',
    ...Array.from({ length: 64 }, () => 'x'.repeat(64 * 1024)),
    '\n::error::next\n',
  )
  expect(annotations.map(({ message }) => message.length)).toEqual([limits.annotationMessage, 4])
})

test('among very many colons the same is found', () => {
  const colons = 'src/a.cpp:3: std::vector<std::string>::size\n  std::less\n'.repeat(100)
  const log = `::error::a\n${colons}  ::warning::b\n\u001b[1m::notice::c\n\ufeff::error::d\n:::error::x\n x ::error::x\n`
  expect(messages(`${log}${colons}::error::e`)).toEqual(['a', 'b', 'c', 'd', 'e'])
  const [first, second] = [found(log), found(log.repeat(2))]
  expect(second.annotations.slice(0, 4)).toEqual(first.annotations)
})

test('however the log is cut, the same is found', () => {
  const word = fc.constantFrom(
    ...[
      '::',
      ':',
      'error',
      'ERROR',
      'warning',
      'notice',
      ' file=a,line=2',
      'message',
      ' ',
      '\n',
      '\r\n',
      'e',
      'n',
      '\u001b[31m',
    ],
    ...['\u001b', '\u001b]0;t\u0007', '\ufeff', 'é', '%0A', '::error::', '\n::error::'],
  )
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(word, { maxLength: 40 }),
      fc.array(fc.nat(900), { maxLength: 8 }),
      (isDense, words, cuts) => {
        const log = Buffer.from(`${isDense ? 'std::a\n'.repeat(70) : ''}${words.join('')}`)
        const places = [...new Set(cuts.map((cut) => cut % (log.length + 1)))].sort((a, b) => a - b)
        const pieces = [0, ...places].map((from, index) => log.subarray(from, places[index] ?? log.length))
        expect(found(...pieces)).toEqual(found(log))
      },
    ),
    { numRuns: 3000 },
  )
})
