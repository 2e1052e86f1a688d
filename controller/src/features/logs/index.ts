// What other features may use of logs.
export { logsFeature } from './feature.ts'
export { type LogPipe, LogStream, type LogStreamDeps } from './log-stream.ts'
export { linesAt, readLines } from './read-lines.ts'
export { openWorkLog, type WorkLog } from './work-log.ts'
