// What badges say, in both languages: of a run the same words as the console, small in English.
import { RunStatus } from '@ansflow/proto/status'
import type { BadgeColor } from './draw-badge.ts'

export type BadgeLanguage = 'en' | 'zh-CN'
export type BadgeKind = 'status' | 'duration' | 'coverage'

interface Words {
  pipeline: string
  duration: string
  coverage: string
  unknown: string
  statuses: Partial<Record<RunStatus, string>>
  units: readonly [hours: string, minutes: string, seconds: string]
}

const { RUNNING, QUEUED, WAITING, BLOCKED, SUCCEEDED, FAILED, CANCELED, SKIPPED, LOST } = RunStatus

const words: Record<BadgeLanguage, Words> = {
  en: {
    pipeline: 'pipeline',
    duration: 'duration',
    coverage: 'coverage',
    unknown: 'unknown',
    statuses: {
      ...{ [RUNNING]: 'running', [QUEUED]: 'queued', [WAITING]: 'waiting', [BLOCKED]: 'blocked' },
      ...{ [SUCCEEDED]: 'passed', [FAILED]: 'failed', [CANCELED]: 'canceled', [SKIPPED]: 'skipped', [LOST]: 'lost' },
    },
    units: [' h', ' min', ' s'],
  },
  'zh-CN': {
    pipeline: '流水线',
    duration: '用时',
    coverage: '覆盖率',
    unknown: '未知',
    statuses: {
      ...{ [RUNNING]: '运行中', [QUEUED]: '排队中', [WAITING]: '等待中', [BLOCKED]: '未就绪' },
      ...{ [SUCCEEDED]: '成功', [FAILED]: '失败', [CANCELED]: '已取消', [SKIPPED]: '已跳过', [LOST]: '已失联' },
    },
    units: [' 小时', ' 分', ' 秒'],
  },
}

const colors: Partial<Record<RunStatus, BadgeColor>> = {
  ...{ [RUNNING]: 'blue', [QUEUED]: 'blue', [WAITING]: 'blue', [BLOCKED]: 'blue', [SUCCEEDED]: 'green' },
  ...{ [FAILED]: 'red', [LOST]: 'red' },
}

export function languageOf(given: string): BadgeLanguage {
  return /^zh\b/i.test(given) ? 'zh-CN' : 'en'
}

export function unknownOf(language: BadgeLanguage): { label: string; message: string; color: BadgeColor } {
  return { label: words[language].pipeline, message: words[language].unknown, color: 'grey' }
}

export function statusOf(status: RunStatus, language: BadgeLanguage): { message: string; color: BadgeColor } {
  const { statuses, unknown } = words[language]
  return { message: statuses[status] ?? unknown, color: colors[status] ?? 'grey' }
}

export function durationOf(seconds: number, language: BadgeLanguage): { message: string; color: BadgeColor } {
  const [hour, minute, second] = words[language].units
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  const message =
    hours > 0
      ? `${hours}${hour} ${minutes}${minute}`
      : minutes > 0
        ? `${minutes}${minute} ${seconds % 60}${second}`
        : `${seconds}${second}`
  return { message, color: 'blue' }
}

/** Of lines: `share` is 0 to 1. How much is enough is not said. */
export function coverageOf(share: number): { message: string; color: BadgeColor } {
  return { message: `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`, color: 'blue' }
}

export function labelOfKind(kind: 'duration' | 'coverage', language: BadgeLanguage): string {
  return words[language][kind]
}
