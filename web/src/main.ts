// Starts the console.
import './theme/fonts.css'
import './theme/tokens.css'
import './theme/base.css'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { i18n, preferredLanguage, setLanguage } from './i18n.ts'
import { router } from './router.ts'

await setLanguage(preferredLanguage())
createApp(App).use(createPinia()).use(i18n).use(router).mount('#app')
