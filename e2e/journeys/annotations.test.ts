// What steps tell people: annotations, each with the way to its line of the log, summaries in Markdown of which nothing runs, and groups
// of lines.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ReportService } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { axeFaults, textFaults } from './page-faults.ts'

const yaml = `name: remarks
steps:
  lint:
    name: Lint
    run: |
      for i in $(seq 120); do echo "line $i"; done
      echo "::error file=src/shop.ts,line=12,col=3,title=Types::Price is no number%0AMake it one"
      echo "::warning file=src/cart.ts,line=7::never used"
      for i in $(seq 60); do echo "::notice::remark $i"; done
      {
        echo '# Lint'
        echo '| rule | found |'
        echo '| --- | ---: |'
        echo '| types | **1** |'
        echo
        echo '<img src=x onerror="document.title = 1"><script>document.title = 1</script>'
        echo '![badge](https://example.test/badge.svg) [docs](https://example.test/docs) [bad](javascript:alert(1))'
      } >> "$ANSFLOW_SUMMARY"
  quiet: { name: Quiet, needs: [lint], run: echo nothing to tell }
`

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem()
  browser = await startBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

const texts = {
  en: { report: 'Report 62', line: 'Lint, line 121 of the log', more: '12 more annotations', error: 'Error' },
  'zh-CN': { report: '报告 62', line: 'Lint，日志第 121 行', more: '还有 12 条标注', error: '错误' },
}

test.each(['en', 'zh-CN'] as const)(
  'annotations lead into the log, and a summary is shown safely (%s)',
  async (locale) => {
    const say = texts[locale]
    const { pipelineId } = await system.pipeline(yaml)
    const runId = await system.start(pipelineId)
    expect((await system.ended(runId)).status).toBe(RunStatus.SUCCEEDED)
    await system.wholeLog(runId, 'lint')
    const { annotations } = await system.client(ReportService).listAnnotations({ runId, pageSize: 2 })
    expect(annotations.map(({ logLine }) => logLine)).toEqual([121, 122])

    const { page, errors } = await newPerson(browser, system.url, { locale })
    const outside: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(system.url)) outside.push(request.url())
    })
    await signIn(page, admin)
    await page.goto(`/runs/${runId}`)
    const counts = page.getByTestId('run-step-lint').getByTestId('report-counts')
    await counts.waitFor()
    expect((await counts.textContent())?.replaceAll(/\s/g, '')).toBe('1148')
    expect(await page.getByTestId('run-step-quiet').getByTestId('report-counts').count()).toBe(0)

    await page.getByText(say.report, { exact: true }).click()
    await page.waitForURL(/view=report/)
    const report = page.getByTestId('run-report')
    const first = report.getByTestId('annotation').first()
    await first.getByText('Types', { exact: true }).waitFor()
    await first.getByText('src/shop.ts:12:3').waitFor()
    expect(await first.locator('.message').textContent()).toBe('Price is no number\nMake it one')
    await first.getByRole('img', { name: say.error }).waitFor()
    await report.getByText(say.more, { exact: false }).waitFor()

    // To its line, and the address of that for others.
    await first.getByText(say.line, { exact: true }).click()
    await page.waitForURL(/#L121$/)
    await page.locator('.line.chosen.error [data-line="121"]').waitFor()
    await page.locator('.line.warning [data-line="122"]').waitFor()
    await page.locator('.line.notice [data-line="123"]').waitFor()
    await page.getByTestId('log-link').click()
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText()))
    expect([link.searchParams.get('step'), link.searchParams.get('attempt'), link.hash]).toEqual(['lint', '1', '#L121'])
    await page.goto(link.href)
    await page.locator('.line.chosen [data-line="121"]').waitFor()

    const summary = report.getByTestId('summary-lint').getByTestId('markdown')
    await summary.getByRole('heading', { name: 'Lint' }).waitFor()
    expect(await summary.locator('td').allTextContents()).toEqual(['types', '1'])
    expect(await summary.locator('img, script').count()).toBe(0)
    await summary.getByText('<script>', { exact: false }).waitFor()
    expect(
      await summary
        .locator('a')
        .evaluateAll((links) => links.map((a) => `${a.getAttribute('href')} ${a.getAttribute('rel')}`)),
    ).toEqual([
      'https://example.test/badge.svg noopener noreferrer nofollow',
      'https://example.test/docs noopener noreferrer nofollow',
    ])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.locator(`html[data-theme="${colorScheme}"]`).waitFor({ state: 'attached' })
      expect([...(await textFaults(page, locale)), ...(await axeFaults(page))]).toEqual([])
      const folder = process.env.ANSFLOW_SCREENSHOTS
      if (folder) await page.screenshot({ path: `${folder}/run-report.${locale}.${colorScheme}.png` })
    }
    expect(outside).toEqual([])
    expect(errors).toEqual([])
  },
)

const grouped = (go: string) => `name: grouped
steps:
  build:
    name: Build
    run: |
      echo "::group::Install"
      for i in $(seq 3000); do echo "package $i"; done
      echo "::endgroup::"
      echo "compiling"
      echo "::group::Tests"
      echo "test one"
      while [ ! -e ${go} ]; do sleep 0.1; done
      echo "test two"
      echo "::endgroup::"
      echo "all done"
`
test.each([
  ['en', (count: string) => `${count} lines folded`],
  ['zh-CN', (count: string) => `已折叠 ${count} 行`],
] as const)(
  'groups of a log are folded, also one that still grows, and opened by what leads into them (%s)',
  async (locale, folded) => {
    const go = join(system.folder, `go-${locale}`)
    const { pipelineId } = await system.pipeline(grouped(go))
    const runId = await system.start(pipelineId)
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/runs/${runId}?step=build`)
    const log = page.getByTestId('log-rows')
    const line = (number: number) => log.locator(`.line:has([data-line="${number}"])`)
    await line(3005).getByText('test one').waitFor()
    // It has not ended: what comes is behind its heading, too.
    await log.locator('[data-fold="3004"]').click()
    await line(3005).waitFor({ state: 'detached' })
    await writeFile(go, '')
    await line(3008).getByText('all done').waitFor()
    expect(await line(3006).count()).toBe(0)
    await line(3004).getByText(folded('3'), { exact: true }).waitFor()

    await page.goto(`/runs/${runId}?step=build#L1`)
    await log.locator('[data-fold="1"]').click()
    await line(1).getByText(folded('3,001'), { exact: true }).waitFor()
    await line(3003).getByText('compiling').waitFor()
    expect(await log.locator('[data-fold="1"]').getAttribute('aria-expanded')).toBe('false')
    expect([...(await textFaults(page, locale)), ...(await axeFaults(page))]).toEqual([])
    const folder = process.env.ANSFLOW_SCREENSHOTS
    if (folder) await page.screenshot({ path: `${folder}/log-folded.${locale}.png` })
    // A hit of the search in it opens it.
    await page.getByTestId('log-search').locator('input').fill('package 1234')
    await line(1235).getByText('package 1234').waitFor()
    expect(await log.locator('[data-fold]').count()).toBe(0)
    await page.getByTestId('log-search').locator('input').fill('Install')
    await line(1).waitFor()
    expect(await log.locator('[data-fold="1"]').getAttribute('aria-expanded')).toBe('true')
    expect(errors).toEqual([])
  },
)

const tested = `name: tested
inputs: { worse: { type: boolean, default: false } }
steps:
  unit:
    name: Unit tests
    shell: bash
    run: |
      bad=\${{ inputs.worse }}
      {
        echo '<testsuites><testsuite name="cart">'
        [ $bad = false ] && echo '<testcase name="adds" classname="shop.Cart" time="0.4"/>'
        [ $bad = true ] && echo '<testcase name="adds &lt;b&gt;two&lt;/b&gt;" classname="shop.Cart" file="src/cart.test.ts" line="12" time="0.6"><failure message="expected 10049 to be 10050">AssertionError
          at src/cart.test.ts:12</failure><system-out>settle 3 entries</system-out></testcase>'
        echo '<testcase name="was red" classname="shop.Old"><failure message="still red"/></testcase>'
        echo '<testcase name="second refund" classname="shop.Refunds"><flakyFailure message="timeout"/></testcase>'
        for i in $(seq 70); do echo "<testcase name='case $i' classname='shop.Many' time='$i'/>"; done
        echo '<testcase name="later" classname="shop.Many"><skipped message="not yet"/></testcase>'
        echo '</testsuite></testsuites>'
      } > unit.xml
      printf 'SF:a.ts\\nLF:1000\\nLH:%s\\nBRF:100\\nBRH:84\\nend_of_record\\n' $([ $bad = true ] && echo 911 || echo 914) > lcov.info
      exit 0
    reports: { junit: unit.xml, coverage: [lcov.info, "none/*.info"] }
  lint:
    name: Lint
    run: echo '<testsuite><testcase name="style"/></testsuite>' > lint.xml
    reports: { junit: lint.xml }
`
const testTexts = {
  en: {
    tab: 'Tests 2',
    fresh: 'New failures',
    known: 'Failed before, too',
    fell: 'Coverage fell by 0.3 points',
    none: 'No step has reported tests',
  },
  'zh-CN': {
    tab: '测试 2',
    fresh: '新的失败',
    known: '之前就失败',
    fell: '覆盖率下降 0.3 个百分点',
    none: '没有步骤报告测试',
  },
}

test.each(['en', 'zh-CN'] as const)(
  'tests are shown with what is new in them, their output and how coverage has changed (%s)',
  async (locale) => {
    const say = testTexts[locale]
    const { pipelineId } = await system.pipeline(tested)
    const first = await system.start(pipelineId)
    expect((await system.ended(first)).status).toBe(RunStatus.SUCCEEDED)
    const runId = await system.start(pipelineId, { worse: true })
    expect((await system.ended(runId)).status).toBe(RunStatus.SUCCEEDED)
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/runs/${runId}`)
    await page.getByText(say.tab, { exact: true }).click()
    await page.waitForURL(/view=tests/)
    const figures = page.getByTestId('test-figures')
    await figures.locator('[data-figure="all"] b').getByText('75', { exact: true }).waitFor()
    expect(await figures.locator('b').allTextContents()).toEqual(['75', '2', '1', '1', expect.any(String)])

    const rows = (group: string) => page.locator(`[data-group="${group}"] [data-testid="test-row"]`)
    await page.getByRole('region', { name: say.fresh }).waitFor()
    expect(await rows('new').locator('.name').allTextContents()).toEqual(['adds <b>two</b>'])
    await page.getByRole('region', { name: say.known }).waitFor()
    expect(await rows('failed').locator('.name').allTextContents()).toEqual(['was red'])
    expect(await rows('passed').first().locator('.name').textContent()).toBe('case 70')
    const card = page.getByTestId('test-card')
    await card.getByTestId('test-message').getByText('expected 10049 to be 10050').waitFor()
    await card.getByTestId('test-output').getByText('settle 3 entries').waitFor()
    await card.getByText('src/cart.test.ts:12', { exact: true }).waitFor()
    await page.getByTestId('coverage').getByRole('heading', { name: say.fell }).waitFor()

    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.locator(`html[data-theme="${colorScheme}"]`).waitFor({ state: 'attached' })
      expect([...(await textFaults(page, locale)), ...(await axeFaults(page))]).toEqual([])
      const folder = process.env.ANSFLOW_SCREENSHOTS
      if (folder) await page.screenshot({ path: `${folder}/run-tests.${locale}.${colorScheme}.png` })
    }
    // All of them are searched, not those that are shown.
    await page.locator('input[name="test-search"]').fill('CASE 7')
    await rows('passed').getByText('case 7', { exact: true }).waitFor()
    expect((await rows('passed').locator('.name').allTextContents()).sort()).toEqual(['case 7', 'case 70'])
    await rows('passed').first().click()
    await page.waitForURL(/test=/)
    await card.getByRole('heading', { name: 'case 70' }).waitFor()
    await page.reload()
    await card.getByRole('heading', { name: 'case 70' }).waitFor()
    // What was not found is a warning of its step.
    const { annotations } = await system.client(ReportService).listAnnotations({ runId })
    expect(annotations.map(({ annotation }) => annotation!.message)).toEqual(['No file matches none/*.info.'])
    await card.getByRole('button', { name: 'Unit tests' }).click()
    await page.waitForURL(/view=list/)
    await page.getByTestId('step-panel').waitFor()

    const silent = await system.pipeline('name: silent\nsteps:\n  one: { run: "true" }\n')
    await page.goto(`/runs/${await system.start(silent.pipelineId)}?view=tests`)
    await page.getByTestId('run-tests').getByText(say.none, { exact: true }).waitFor()
    expect([...(await textFaults(page, locale)), ...(await axeFaults(page))]).toEqual([])
    expect(errors).toEqual([])
  },
)
