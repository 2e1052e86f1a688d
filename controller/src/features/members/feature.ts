// Who belongs to an organization or a project.
import { feature } from '../../feature.ts'
import { memberTopics } from './member-topics.ts'
import { membersApi } from './members.api.ts'

export const membersFeature = feature({
  name: 'members',
  entities: [],
  open(platform) {
    const { topics, stop } = memberTopics(platform)
    return { services: [membersApi(platform)], topics, stop }
  },
})
