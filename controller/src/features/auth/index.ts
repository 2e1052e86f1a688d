// What other features may use of auth.
export { ApiTokenEntity } from './api-token.entity.ts'
export { authFeature } from './feature.ts'
export { makePerson, namesOfPeople, peopleById, personByEmail, readEmail } from './people.ts'
export { holdCredential } from './token-tree.ts'
export { type User, UserEntity } from './user.entity.ts'
