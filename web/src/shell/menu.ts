// The menus of the console: the rail, the settings' list and a project's tabs, from what the features' routes say of themselves.
import type { Permission } from '@ansflow/proto/access'
import type { Component } from 'vue'
import type { RouteMeta, Router } from 'vue-router'

export type MenuName = 'rail' | 'settings' | 'project'

/** In a route's meta data: the page has an entry. */
export interface MenuEntry {
  in: MenuName
  /** Entries stand in this order; those of the rail from 100 on at its end. */
  order: number
  /** i18n key, where it is not the page's title. */
  label?: string
  /** Of the rail. */
  icon?: Component
  /** Of the rail: "g" and this letter go there. */
  key?: string
  /** Who may not do this, in the project or the organization, has no entry. */
  permission?: Permission
}

export interface MenuItem extends MenuEntry {
  /** Address; parts after a colon are still names. */
  to: string
  label: string
  section: RouteMeta['section']
}

export function menuOf(router: Router, name: MenuName): MenuItem[] {
  return router
    .getRoutes()
    .flatMap(({ path, meta }) => {
      const { menu, title = '', section } = meta
      return menu?.in === name ? [{ ...menu, to: path, label: menu.label ?? title, section }] : []
    })
    .sort((a, b) => a.order - b.order)
}
