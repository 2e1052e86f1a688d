// Who performs each kind of the controller's work, by the id of its step type.
import type { Performer } from '../performer.ts'
import { httpRequest } from './http-request.ts'

export const performers: Readonly<Record<string, Performer>> = {
  http_request: httpRequest,
}
