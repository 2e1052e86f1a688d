// What the controller uses of collab: the live drafts, and the socket on which people edit them.
export { type CollabDeps, collabRoute } from './collab-route.ts'
export { Rooms, type RoomsDeps } from './rooms.ts'
