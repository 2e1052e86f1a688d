// What the composition root uses of live.
export { type LiveTopics, liveTopics } from './live-topics.ts'
