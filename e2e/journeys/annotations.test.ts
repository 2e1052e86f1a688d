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
