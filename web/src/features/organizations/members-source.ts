// Where members come from and how they are changed: the organization, or one of its projects.
import type { Invitation, Member } from '@ansflow/proto/gen/ansflow/v1/members_pb'

export interface MembersSource {
  /** Of /live: tells when the list is another. */
  topic: string
  list(signal: AbortSignal): Promise<{ members: Member[]; invitations: Invitation[] }>
  /** The path of the one-time link; empty when the person has an account and is in at once. */
  invite(email: string, roleId: string): Promise<string>
  /** It ends when the one before would have. */
  setRole(member: Member, roleId: string): Promise<unknown>
  remove(userId: string): Promise<unknown>
  revoke(invitationId: string): Promise<unknown>
}
