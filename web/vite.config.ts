// How the console is built and, in development, served beside a running controller.
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { consoleRoutes } from './console-routes.ts'
import { precompress } from './precompress.ts'

const controller = 'http://127.0.0.1:8080'

/**
 * Libraries that every page needs, apart from our code so that a release leaves them in the browser's cache; and the kit as
 * one file, because fifty small ones are slower than one.
 */
const sharedCode = [
  { name: 'vue', test: /node_modules[\\/](@vue[\\/](?!test-utils)|vue[\\/]|vue-router|vue-i18n|@intlify|pinia)/ },
  {
    name: 'rpc',
    test: /node_modules[\\/](@bufbuild[\\/]protobuf|@connectrpc)|proto[\\/]src[\\/](gen|errors|access|status)/,
  },
  {
    name: 'kit',
    test: /web[\\/]src[\\/](ui[\\/](?!AppDialog|ConfirmHost)|api|i18n|session|shell[\\/](crumbs|live-state))|lucide-vue-next/,
    minShareCount: 2,
  },
]

export default defineConfig({
  plugins: [vue(), consoleRoutes(), precompress()],
  define: {
    __VUE_OPTIONS_API__: 'true',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 900,
    rolldownOptions: { output: { codeSplitting: { groups: sharedCode } } },
  },
  server: {
    port: 5173,
    proxy: {
      '/api': controller,
      '/download': controller,
      '/live': { target: controller, ws: true },
      '/collab': { target: controller, ws: true },
    },
  },
})
