// Random cases are the same in every run, so that a red run means the change and not the dice. ANSFLOW_TEST_SEED=<number> throws
// other dice, ANSFLOW_TEST_SEED=random new ones each time; a failure prints the seed to give here.
import { configureGlobal, readConfigureGlobal } from 'fast-check'

const asked = process.env.ANSFLOW_TEST_SEED
if (asked !== 'random') configureGlobal({ ...readConfigureGlobal(), seed: asked ? Number(asked) : 20_261_123 })
