// What a plain git server says of itself: whatever its post-receive hook posts.
import type { Part } from '../../payload.ts'
import { type EventReader, longestMessage, mostRefs, pushOf, type ReadEvent } from '../../read-events.ts'

/**
 * One object for each ref, alone or at most a hundred in a list: "ref" ("refs/heads/main"), "before" and "after" (commits; zeros where
 * there is none), and, where the hook wants to say them, "message", "author" and "sender". So a post-receive hook can be
 *
 *     #!/bin/sh
 *     while read -r before after ref; do
 *       case $ref in *'"'*) continue ;; esac
 *       printf '{"ref":"%s","before":"%s","after":"%s"}' "$ref" "$before" "$after" |
 *         curl -fsS -H 'content-type: application/json' -H @/etc/ansflow-hook --data-binary @- "$ADDRESS"
 *     done
 *
 * with "authorization: Bearer " and the secret in /etc/ansflow-hook, which nobody but git's user can read;
 * or it signs the body in the place of saying the secret: "x-ansflow-signature: sha256=" and its HMAC-SHA256 in hex.
 */
export const gitEvents: EventReader = {
  event: () => 'push',
  repository: (body) => first(body).at('repository'),
  sender: (body) => first(body).at('sender'),
  needsRepository: false,
  read: (_, body) => (Array.isArray(body.value) ? body.items(mostRefs) : [body]).flatMap(push),
}

function first(body: Part): Part {
  return Array.isArray(body.value) ? (body.items(1)[0] ?? body) : body
}

function push(update: Part): ReadEvent[] {
  return pushOf({
    ref: update.at('ref').ref(),
    before: update.at('before').commitOrNone(),
    after: update.at('after').commitOrNone(),
    message: update.at('message').shown(longestMessage, 'lines'),
    author: update.at('author').shown(400),
  })
}
