// Every migration, in their order. Written by write-migration.ts.
import { Initial } from './migration-0001-e2d3c2d4.ts'
import { CommitMarker } from './migration-0002-commit-marker.ts'
import { Fleet } from './migration-0002-fleet.ts'
import { IdempotencyHolder } from './migration-0003-idempotency-holder.ts'
import { TokenTree } from './migration-0003-token-tree.ts'
import { JobQueueIndex } from './migration-0004-job-queue-index.ts'
import { RolesAsSets } from './migration-0005-roles-as-sets.ts'
import { StepPhase } from './migration-0006-step-phase.ts'
import { AuditEvents } from './migration-0007-audit-events.ts'
import { ControllerWork } from './migration-0008-controller-work.ts'
import { RunOrigin } from './migration-0009-run-origin.ts'
import { MatrixCopies } from './migration-0010-matrix-copies.ts'
import { Approvals } from './migration-0011-approvals.ts'
import { Schedules } from './migration-0012-schedules.ts'
import { HelloNumber } from './migration-0013-hello-number.ts'
import { Reuse } from './migration-0014-reuse.ts'
import { Chains } from './migration-0015-chains.ts'
import { ReportsAndVariables } from './migration-0016-reports-and-variables.ts'
import { Locks } from './migration-0017-locks.ts'
import { ProjectLimits } from './migration-0018-project-limits.ts'
import { DeliverySaid } from './migration-0019-delivery-said.ts'
import { Repositories } from './migration-0020-repositories.ts'
import { Statuses } from './migration-0021-statuses.ts'
import { Polling } from './migration-0022-polling.ts'
import { Answers } from './migration-0023-answers.ts'
import { BranchHealth } from './migration-0024-branch-health.ts'
import { Trust } from './migration-0025-trust.ts'
import { Badges } from './migration-0026-badges.ts'
import { Environments } from './migration-0027-environments.ts'
import { Proposals } from './migration-0028-proposals.ts'
import { AppHooks } from './migration-0029-app-hooks.ts'
import { OpenProposals } from './migration-0030-open-proposals.ts'
import { ContainerImage } from './migration-0031-container-image.ts'
import { TestReports } from './migration-0032-test-reports.ts'
import { DeploymentRecords } from './migration-0033-deployment-records.ts'

export const migrations = {
  'migration-0001-e2d3c2d4': Initial,
  'migration-0002-commit-marker': CommitMarker,
  'migration-0002-fleet': Fleet,
  'migration-0003-idempotency-holder': IdempotencyHolder,
  'migration-0003-token-tree': TokenTree,
  'migration-0004-job-queue-index': JobQueueIndex,
  'migration-0005-roles-as-sets': RolesAsSets,
  'migration-0006-step-phase': StepPhase,
  'migration-0007-audit-events': AuditEvents,
  'migration-0008-controller-work': ControllerWork,
  'migration-0009-run-origin': RunOrigin,
  'migration-0010-matrix-copies': MatrixCopies,
  'migration-0011-approvals': Approvals,
  'migration-0012-schedules': Schedules,
  'migration-0013-hello-number': HelloNumber,
  'migration-0014-reuse': Reuse,
  'migration-0015-chains': Chains,
  'migration-0016-reports-and-variables': ReportsAndVariables,
  'migration-0017-locks': Locks,
  'migration-0018-project-limits': ProjectLimits,
  'migration-0019-delivery-said': DeliverySaid,
  'migration-0020-repositories': Repositories,
  'migration-0021-statuses': Statuses,
  'migration-0022-polling': Polling,
  'migration-0023-answers': Answers,
  'migration-0024-branch-health': BranchHealth,
  'migration-0025-trust': Trust,
  'migration-0026-badges': Badges,
  'migration-0027-environments': Environments,
  'migration-0028-proposals': Proposals,
  'migration-0029-app-hooks': AppHooks,
  'migration-0030-open-proposals': OpenProposals,
  'migration-0031-container-image': ContainerImage,
  'migration-0032-test-reports': TestReports,
  'migration-0033-deployment-records': DeploymentRecords,
}
