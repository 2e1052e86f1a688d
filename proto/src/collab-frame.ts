// The one frame of a document's socket that y-websocket does not know.

/** A varint of this value, then a CollabMessage with its length before it. */
export const collabFrame = 104
