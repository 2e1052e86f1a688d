// A real controller for tests: its own database, free ports, a first owner, typed clients; gone at the end of the scope.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { narrowest, Role, roleIdOf } from '@ansflow/proto/access'
import type { DescService } from '@bufbuild/protobuf'
import { type Client, createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { createController, type Overrides, type RunningController } from '../src/app.ts'
import type { Config } from '../src/config.ts'
import { setGrant } from '../src/features/access/index.ts'
import { ApiTokenEntity, UserEntity } from '../src/features/auth/index.ts'
import { makeOrganization } from '../src/features/organizations/index.ts'
import { ProjectEntity } from '../src/features/projects/index.ts'
import { randomToken } from '../src/platform/crypto.ts'
import { type DatabaseConfig, memoryFile, openDb } from '../src/platform/db.ts'
import { uuidv7 } from '../src/platform/ids.ts'
import { createLog } from '../src/platform/log.ts'
import { readAllowed } from '../src/platform/outbound-rules.ts'
import { type GrpcClient, grpcClient, serverBegins } from './grpc-client.ts'
import { keepTables, makeTables } from './made-tables.ts'

export interface TestUser {
  userId: string
  email: string
  /** An API token with every scope. */
  token: string
  organizationId: string
}

export interface NewUser {
  role: Role
  /** Default: the owner's. */
  organizationId?: string
  /** The role is on this project only. */
  projectId?: string
  scopes?: string[]
}

export interface TestController extends AsyncDisposable {
  controller: RunningController
  /** http://127.0.0.1:port */
  url: string
  /** 127.0.0.1:port */
  grpcAddress: string
  config: Config
  db: RunningController['db']
  bus: RunningController['bus']
  clock: RunningController['clock']
  owner: TestUser
  /** Undefined: anonymous. */
  as(user: TestUser | string | undefined): { client<S extends DescService>(service: S): Client<S> }
  grpcClient<S extends DescService>(service: S, token?: string): GrpcClient<S>
  addUser(user: NewUser): Promise<TestUser>
  addOrganization(): Promise<string>
  addProject(name?: string, organizationId?: string): Promise<string>
  /** Stops the controller and starts another on the same data and ports; fields of this object follow. */
  restart(changes?: Partial<Config>): Promise<void>
}

export interface TestOptions {
  overrides?: Overrides
  config?: Partial<Config>
  /** Without the first owner: the database is as at a first start. */
  empty?: boolean
  /** A file instead of memory: needed to restart on SQLite. */
  file?: boolean
}

export async function startController(options: TestOptions = {}): Promise<TestController> {
  const folder = mkdtempSync(join(tmpdir(), 'ansflow-test-'))
  const config: Config = {
    http: { host: '127.0.0.1', port: 0 },
    grpc: { host: '127.0.0.1', port: 0 },
    dataFolder: folder,
    database: testDatabase(options.file ? join(folder, 'ansflow.db') : memoryFile),
    natsUrl: undefined,
    masterKey: randomBytes(32),
    previousMasterKey: undefined,
    publicUrl: undefined,
    trustedProxies: [],
    publicGrpc: undefined,
    admin: undefined,
    localAgentToken: undefined,
    lostAfterMs: 30_000,
    gitEnvironment: { PATH: process.env.PATH ?? '' },
    outboundAllowed: readAllowed(''),
    logLevel: 'silent',
    ...options.config,
  }
  const log = options.overrides?.log ?? createLog((process.env.ANSFLOW_TEST_LOG as 'debug' | undefined) ?? 'error')
  const overrides: Overrides = { log, makeTables, ...options.overrides }
  const controller = await createController(config, overrides).start()
  serverBegins(controller.urls.grpc)
  await keepTables(controller.db)
  const clients: { close(): void }[] = []
  const test: TestController = {
    controller,
    url: controller.urls.http,
    grpcAddress: controller.urls.grpc,
    config,
    db: controller.db,
    bus: controller.bus,
    clock: controller.clock,
    owner: { userId: '', email: '', token: '', organizationId: '' },
    as: (user) => ({
      client: (service) => {
        const token = typeof user === 'string' ? user : user?.token
        const transport = createConnectTransport({
          baseUrl: `${test.url}/api`,
          httpVersion: '1.1',
          interceptors: [
            (next) => (request) => {
              if (token !== undefined) request.header.set('authorization', `Bearer ${token}`)
              return next(request)
            },
          ],
        })
        return createClient(service, transport)
      },
    }),
    grpcClient(service, token) {
      const { client, close } = grpcClient(service, test.grpcAddress, token)
      clients.push({ close })
      return client
    },
    addUser: (user) => addUser(test, user),
    addOrganization: async () =>
      (
        await test.db.transaction((em) =>
          makeOrganization(em, `Organization ${randomBytes(3).toString('hex')}`, test.clock.now()),
        )
      ).id,
    async addProject(name = `Project ${randomBytes(3).toString('hex')}`, organizationId = test.owner.organizationId) {
      const id = uuidv7()
      const slug = `p-${randomBytes(4).toString('hex')}`
      await test.db
        .em()
        .insert(ProjectEntity, { id, organizationId, slug, name, description: '', createdAt: test.clock.now() })
      return id
    },
    async restart(changes = {}) {
      await test.controller.stop()
      const { http, grpc } = { http: portOf(test.url), grpc: portOf(test.grpcAddress) }
      const again = {
        ...config,
        ...changes,
        http: { ...config.http, port: http },
        grpc: { ...config.grpc, port: grpc },
      }
      test.controller = await createController(again, overrides).start()
      serverBegins(test.grpcAddress)
      Object.assign(test, { db: test.controller.db, bus: test.controller.bus, clock: test.controller.clock })
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close()
      await test.controller.stop()
      if (config.database.kind === 'mysql') {
        const db = await openDb(config.database, [])
        await db.orm.schema.dropDatabase()
        await db.close()
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
  if (options.empty) return test
  const organizationId = await test.addOrganization()
  test.owner = await addUser(test, { role: Role.OWNER, organizationId })
  return test
}

/** MySQL or MariaDB when ANSFLOW_TEST_DATABASE_URL names a server, each call a fresh database. */
export function testDatabase(file: string = memoryFile): DatabaseConfig {
  const server = process.env.ANSFLOW_TEST_DATABASE_URL
  if (!server) return { kind: 'sqlite', file }
  const url = new URL(server)
  url.pathname = `/ansflow_test_${randomBytes(6).toString('hex')}`
  return { kind: 'mysql', url: url.href }
}

async function addUser(
  test: TestController,
  { role, organizationId = test.owner.organizationId, projectId, scopes = ['*'] }: NewUser,
) {
  const userId = uuidv7()
  const email = `${randomBytes(4).toString('hex')}@example.org`
  const token = randomToken('af_')
  const now = test.clock.now()
  await test.db.transaction(async (em) => {
    await em.insert(UserEntity, {
      id: userId,
      email,
      name: email.slice(0, 8),
      passwordHash: '-',
      language: '',
      theme: '',
      createdAt: now,
      lastSeenAt: null,
    })
    await em.insert(ApiTokenEntity, {
      id: uuidv7(),
      userId,
      name: 'test',
      prefix: token.slice(0, 8),
      tokenHash: test.controller.keys.hashToken(token),
      scopes: scopes.join(' '),
      createdAt: now,
      expiresAt: null,
      lastUsedAt: null,
    })
    if (role !== Role.UNSPECIFIED) {
      const on = narrowest({ organizationId, ...(projectId !== undefined && { projectId }) })
      await setGrant(em, { subject: { kind: 'user', id: userId }, organizationId, on, roleId: roleIdOf(role) }, now)
    }
  })
  return { userId, email, token, organizationId }
}

function portOf(address: string): number {
  return Number(/:(\d+)$/.exec(address)?.[1])
}
