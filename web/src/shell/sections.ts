// The console's sections: entries of the rail, of the palette and of the "g" keys.
import { CirclePlay, Folder, House, Server, Settings } from 'lucide-vue-next'
import type { Component } from 'vue'
import type { RouteMeta } from 'vue-router'

interface Section {
  id: NonNullable<RouteMeta['section']>
  to: string
  icon: Component
  key: string
}

export const sections: Section[] = [
  { id: 'home', to: '/', icon: House, key: 'h' },
  { id: 'projects', to: '/p', icon: Folder, key: 'p' },
  { id: 'runs', to: '/runs', icon: CirclePlay, key: 'r' },
  { id: 'agents', to: '/agents', icon: Server, key: 'a' },
  { id: 'settings', to: '/settings', icon: Settings, key: 's' },
]
