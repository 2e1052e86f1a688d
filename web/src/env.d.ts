// Types of what Vite adds to modules and of the routes' meta data.
/// <reference types="vite/client" />
import 'vue-router'

declare module 'vue-router' {
  interface RouteMeta {
    /** i18n key of the page's name: document title and default breadcrumb. */
    title?: string
    /** Reachable without a session. */
    public?: boolean
    /** What surrounds the page: rail and top bar (default), both with the rail collapsed, the collapsed rail alone, or nothing. */
    chrome?: 'app' | 'narrow' | 'rail' | 'bare'
    /** A frame that stays while its tabs change. */
    frame?: 'project' | 'settings'
    /** The entry of the rail that is lit. */
    section?: string
    /** The path of the page's tab in its frame, for what has none of its own. */
    tab?: string
    /** The page's entry in a menu. */
    menu?: import('./shell/menu.ts').MenuEntry
  }
}
