// How `npm start` runs the controller.

/** In the product's folder. */
export const controllerProgram = 'controller/dist/ansflow-controller.mjs'

/** A small nursery keeps an idle controller some 25 MB smaller; the steps it moves cost the same processor time. */
export const controllerFlags = ['--max-semi-space-size=2']

/** What the disk's and the compressors' threads give back, the next one uses: 30 MB less after some hundred runs. */
export const controllerEnv = { MALLOC_ARENA_MAX: '2' }
