// Times of requests: within the years that every database and every program can hold.
import { invalidField } from '@ansflow/proto/errors'
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt'

const first = Date.UTC(1970, 0, 1)
const last = Date.UTC(9999, 0, 1)

export function readTime(field: string, time: Timestamp): Date {
  const ms = timestampMs(time)
  if (!(ms >= first && ms < last)) throw invalidField(field, 'must be a time from 1970 to 9998', 'time_range')
  return new Date(ms)
}
