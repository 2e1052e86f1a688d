// Whose runs can be asked for: the reader first, then the other members whom they may see, by name.
import { computed } from 'vue'
import { api } from '../../api.ts'
import { useSession } from '../../session.ts'
import { useLoad } from '../../ui/use-async.ts'

export interface Person {
  userId: string
  name: string
  email: string
}

/** Of the project; of the organization where it is empty, and nothing while it is not known. */
export function usePeople(project: () => string | undefined) {
  const session = useSession()
  const { data } = useLoad(
    async (signal) => {
      const projectId = project()
      if (projectId === undefined || !session.can('member.read', projectId)) return []
      const { organizationId } = session
      const { members } = projectId
        ? await api.members.listProjectMembers({ projectId }, { signal })
        : await api.members.listMembers({ organizationId }, { signal })
      return members
    },
    { on: project },
  )
  return computed<Person[]>(() => {
    const { user } = session
    const others = (data.value ?? []).filter(({ userId }) => userId !== user?.id)
    return user ? [{ userId: user.id, name: user.name, email: user.email }, ...others] : others
  })
}
