// Every entity of the controller. A feature's entities stand here or they have no table.
import { GrantEntity, InvitationEntity } from './features/access/index.ts'
import { AgentEntity, AgentLabelEntity, RegistrationTokenEntity } from './features/agents/index.ts'
import { ApiTokenEntity, LoginLimitEntity, SessionEntity, SetupTokenEntity, UserEntity } from './features/auth/index.ts'
import { IdempotencyKeyEntity } from './features/idempotency/index.ts'
import { LogChunkEntity } from './features/logs/index.ts'
import { OrganizationEntity } from './features/organizations/index.ts'
import { DraftEntity, DraftUpdateEntity, PipelineEntity, PipelineVersionEntity } from './features/pipelines/index.ts'
import { ProjectEntity } from './features/projects/index.ts'
import {
  JobEntity,
  RunCounterEntity,
  RunEntity,
  RunEventEntity,
  RunGraphEntity,
  RunStepEntity,
  WorkspacePinEntity,
} from './features/runs/index.ts'
import { KeyRingEntity, SecretEntity } from './features/secrets/index.ts'
import type { Entities } from './platform/db.ts'

export const entities: Entities = [
  UserEntity,
  SessionEntity,
  ApiTokenEntity,
  LoginLimitEntity,
  SetupTokenEntity,
  GrantEntity,
  InvitationEntity,
  OrganizationEntity,
  ProjectEntity,
  SecretEntity,
  KeyRingEntity,
  IdempotencyKeyEntity,
  PipelineEntity,
  PipelineVersionEntity,
  DraftEntity,
  DraftUpdateEntity,
  RunEntity,
  RunCounterEntity,
  RunGraphEntity,
  RunStepEntity,
  RunEventEntity,
  JobEntity,
  WorkspacePinEntity,
  LogChunkEntity,
  AgentEntity,
  AgentLabelEntity,
  RegistrationTokenEntity,
]
