// Who may call what, written down: a new rpc gets a line here, and a change of somebody's rights shows as a changed line.
// "yes", "no" (permission_denied), "none" (not_found), "who?" (unauthenticated).

export type Verdict = 'yes' | 'no' | 'none' | 'who?'

const text = `
                                           anonymous viewer developer maintainer owner outsider agentsToken
AgentLinkService/Register                  yes       yes    yes       yes        yes   yes      yes
AgentLinkService/Control                   who?      no     no        no         no    no       no
AgentLinkService/Logs                      who?      no     no        no         no    no       no
AgentService/ListAgents                    who?      yes    yes       yes        yes   none     yes
AgentService/CreateRegistrationToken       who?      no     no        yes        yes   none     yes
AgentService/DrainAgent                    who?      no     no        yes        yes   none     yes
AgentService/SetAgentLabels                who?      no     no        yes        yes   none     yes
AgentService/SetAgentTrust                 who?      no     no        yes        yes   none     yes
AgentService/ReleaseLabel                  who?      no     no        yes        yes   none     yes
AgentService/RenewAgent                    who?      no     no        yes        yes   none     yes
AgentService/DeleteAgent                   who?      no     no        yes        yes   none     yes
ApprovalService/ListApprovals              who?      yes    yes       yes        yes   yes      yes
ApprovalService/GetApproval                who?      yes    yes       yes        yes   none     no
ApprovalService/Decide                     who?      no     yes       yes        yes   none     no
AuditService/ListAuditEvents               who?      no     no        no         yes   none     no
AuthService/GetSetup                       yes       yes    yes       yes        yes   yes      yes
AuthService/CompleteSetup                  yes       yes    yes       yes        yes   yes      yes
AuthService/Login                          yes       yes    yes       yes        yes   yes      yes
AuthService/Logout                         who?      yes    yes       yes        yes   yes      yes
AuthService/GetMe                          who?      yes    yes       yes        yes   yes      yes
AuthService/UpdateMe                       who?      yes    yes       yes        yes   yes      no
AuthService/ChangePassword                 who?      yes    yes       yes        yes   yes      no
AuthService/ListSessions                   who?      yes    yes       yes        yes   yes      no
AuthService/RevokeSession                  who?      yes    yes       yes        yes   yes      no
AuthService/GetInvitation                  yes       yes    yes       yes        yes   yes      yes
AuthService/AcceptInvitation               yes       yes    yes       yes        yes   yes      yes
AuthService/CreateApiToken                 who?      yes    yes       yes        yes   yes      yes
AuthService/ListApiTokens                  who?      yes    yes       yes        yes   yes      no
AuthService/RevokeApiToken                 who?      yes    yes       yes        yes   yes      no
ChainService/ListRunTriggers                who?      yes    yes       yes        yes   none     no
ConnectionService/ListConnections          who?       yes    yes       yes          yes   none     no
ConnectionService/CreateConnection         who?       no     no        yes          yes   none     no
ConnectionService/ListOrganizationConnections  who?   yes    yes       yes          yes   none     no
ConnectionService/CreateOrganizationConnection who?   no     no        yes          yes   none     no
ConnectionService/UpdateConnection         who?       no     no        yes          yes   none     no
ConnectionService/DeleteConnection         who?       no     no        yes          yes   none     no
ConnectionService/TestConnection           who?       no     no        yes          yes   none     no
ConnectionService/SearchForgeRepositories  who?       no     no        yes          yes   none     no
DeliveryService/ListRepositoryDeliveries   who?       yes    yes       yes          yes   none     no
DeliveryService/GetRepositoryDelivery      who?       yes    yes       yes          yes   none     no
DeliveryService/ExplainEvent               who?       yes    yes       yes          yes   none     no
DeliveryService/DeliverAgain               who?       no     yes       yes          yes   none     no
DeliveryService/TrustCommit                who?       no     no        yes          yes   none     no
DeploymentService/ListDeployments          who?      yes    yes       yes        yes   none     no
DeploymentService/ListEnvironmentStates    who?      yes    yes       yes        yes   none     no
EnvironmentService/ListEnvironments        who?      yes    yes       yes        yes   none     no
EnvironmentService/CreateEnvironment       who?      no     no        yes        yes   none     no
EnvironmentService/UpdateEnvironment       who?      no     no        yes        yes   none     no
EnvironmentService/OrderEnvironments       who?      no     no        yes        yes   none     no
EnvironmentService/DeleteEnvironment       who?      no     no        yes        yes   none     no
EnvironmentService/ListEnvironmentUses     who?      yes    yes       yes        yes   none     no
ExplainService/ExplainRun                  who?      yes    yes       yes        yes   none     no
ExplainService/GetUsualTimes               who?      yes    yes       yes        yes   none     no
LogService/ReadLog                         who?      yes    yes       yes        yes   none     no
LogService/FollowLog                       who?      yes    yes       yes        yes   none     no
LogService/ReadLines                       who?      yes    yes       yes        yes   none     no
LogService/SearchLog                       who?      yes    yes       yes        yes   none     no
MemberService/ListMembers                  who?      yes    yes       yes        yes   none     no
MemberService/InviteMember                 who?      no     no        yes        yes   none     no
MemberService/RevokeInvitation             who?      no     no        yes        yes   none     no
MemberService/SetMemberRole                who?      no     no        yes        yes   none     no
MemberService/RemoveMember                 who?      no     no        yes        yes   none     no
MemberService/ListProjectMembers           who?      yes    yes       yes        yes   none     no
MemberService/InviteProjectMember          who?      no     no        yes        yes   none     no
MemberService/SetProjectMemberRole         who?      no     no        yes        yes   none     no
MemberService/RemoveProjectMember          who?      no     no        yes        yes   none     no
OrganizationService/ListOrganizations      who?      yes    yes       yes        yes   yes      yes
OrganizationService/UpdateOrganization     who?      no     no        no         yes   none     no
PipelineService/CreatePipeline             who?      no     yes       yes        yes   none     no
PipelineService/ListPipelines              who?      yes    yes       yes        yes   none     no
PipelineService/GetPipeline                who?      yes    yes       yes        yes   none     no
PipelineService/GetIncludedTemplates       who?      yes    yes       yes        yes   none     no
PipelineService/ValidateDraft              who?      yes    yes       yes        yes   none     no
PipelineService/ValidatePipeline           who?      yes    yes       yes        yes   yes      yes
PipelineService/ApplyPipeline              who?      no     yes       yes        yes   none     no
PipelineService/PublishPipeline            who?      no     yes       yes        yes   none     no
PipelineService/ListVersions               who?      yes    yes       yes        yes   none     no
ProposalService/ExplainProposal            who?      no     yes       yes        yes   none     no
ProposalService/ProposePipeline            who?      no     yes       yes        yes   none     no
ProposalService/ListProposals              who?      yes    yes       yes        yes   none     no
ProposalService/ListOpenProposals          who?      yes    yes       yes        yes   none     no
ProposalService/KeepPipeline               who?      no     yes       yes        yes   none     no
PipelineService/DeletePipeline             who?      no     no        yes        yes   none     no
ProjectService/CreateProject               who?      no     no        yes        yes   none     no
ProjectService/ListProjects                who?      yes    yes       yes        yes   yes      yes
ProjectService/GetProject                  who?      yes    yes       yes        yes   none     no
ProjectService/UpdateProject               who?      no     no        yes        yes   none     no
ProjectService/DeleteProject               who?      no     no        no         yes   none     no
ReportService/ListAnnotations              who?      yes    yes       yes        yes   none     no
ReportService/ListSummaries                who?      yes    yes       yes        yes   none     no
ReportService/GetTestReport                who?      yes    yes       yes        yes   none     no
ReportService/ListTestCases                who?      yes    yes       yes        yes   none     no
ReportService/GetTestCase                  who?      yes    yes       yes        yes   none     no
RepositoryService/ListRepositories         who?       yes    yes       yes          yes   none     no
RepositoryService/GetRepository            who?       yes    yes       yes          yes   none     no
RepositoryService/ListTags                 who?       yes    yes       yes          yes   none     no
RepositoryService/ListBranches             who?       yes    yes       yes          yes   none     no
RepositoryService/ListPullRequests         who?       yes    yes       yes          yes   none     no
RepositoryService/ListBrokenPipelines      who?       yes    yes       yes          yes   none     no
RepositoryService/ListCommits              who?       yes    yes       yes          yes   none     no
RepositoryService/ConnectRepository        who?       no     no        yes          yes   none     no
RepositoryService/DisconnectRepository     who?       no     no        yes          yes   none     no
RepositoryService/UpdateRepository         who?       no     no        yes          yes   none     no
RepositoryService/RotateRepositoryHook     who?       no     no        yes          yes   none     no
RepositoryService/RefreshRepository        who?       no     yes       yes          yes   none     no
RunService/StartRun                        who?      no     yes       yes        yes   none     no
RunService/GetRun                          who?      yes    yes       yes        yes   none     no
RunService/ListRuns                        who?      yes    yes       yes        yes   yes      yes
RunService/CancelRun                       who?      no     yes       yes        yes   none     no
RunService/RerunRun                        who?      no     yes       yes        yes   none     no
RunService/GetStepVariables                who?      yes    yes       yes        yes   none     no
RunService/ListRunEvents                   who?      yes    yes       yes        yes   none     no
RunService/WatchRun                        who?      yes    yes       yes        yes   none     no
ScheduleService/ListSchedules              who?      yes    yes       yes        yes   none     no
ScheduleService/PauseSchedule              who?      no     yes       yes        yes   none     no
SecretService/ListSecrets                  who?      yes    yes       yes        yes   none     no
SecretService/PutSecret                    who?      no     no        yes        yes   none     no
SecretService/DeleteSecret                 who?      no     no        yes        yes   none     no
VariableService/ListVariables              who?      yes    yes       yes        yes   none     no
VariableService/PutVariable                who?      no     no        yes        yes   none     no
VariableService/DeleteVariable             who?      no     no        yes        yes   none     no
VariableService/ListOrganizationVariables  who?      yes    yes       yes        yes   none     no
VariableService/PutOrganizationVariable    who?      no     no        yes        yes   none     no
VariableService/DeleteOrganizationVariable who?      no     no        yes        yes   none     no
BadgeService/GetBadge                      who?      yes    yes       yes        yes   none     no
BadgeService/RenewBadge                    who?      no     yes       yes        yes   none     no
WebhookService/GetWebhook                  who?      yes    yes       yes        yes   none     no
WebhookService/RotateWebhookSecret         who?      no     yes       yes        yes   none     no
WebhookService/RevokeWebhookSecret         who?      no     yes       yes        yes   none     no
WebhookService/ListDeliveries              who?      yes    yes       yes        yes   none     no
`

/** By "Service/Method", what each caller gets. */
export const rightsTable: ReadonlyMap<string, ReadonlyMap<string, Verdict>> = read(text)

function read(table: string): Map<string, Map<string, Verdict>> {
  const [head = [], ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return new Map(
    rows.map(([method = '', ...verdicts]) => [
      method,
      new Map(head.map((caller, i) => [caller, verdicts[i] as Verdict])),
    ]),
  )
}
