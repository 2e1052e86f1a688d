// What other features may use of logs.

export { deleteLogsOf } from './delete-logs.ts'
export { findAttempt } from './find-attempt.ts'
export { LogChunkEntity } from './log-chunk.entity.ts'
export { endOf, type LostAmong } from './log-end.ts'
export { type LogHead, readHead } from './log-head.ts'
export { type LogPipe, LogStream, type LogStreamDeps } from './log-stream.ts'
export type { LogTables } from './log-tables.ts'
export { createLogWatch, type LogTail, type LogWatch } from './log-watch.ts'
export { createLogWriter, type LogWriter } from './log-writer.ts'
export { logsApi } from './logs.api.ts'
export { logDownload } from './logs.routes.ts'
