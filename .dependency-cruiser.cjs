// Who may import whom: the table in README.md, enforced.
const features = '^controller/src/features/([^/]+)/'
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'proto-is-pure',
      comment: 'The contract knows no program, no Node and no I/O.',
      severity: 'error',
      from: { path: '^proto/src/', pathNot: '\\.test\\.ts$|/test/' },
      to: { path: '^(engine|controller|agent|web|e2e|deploy)/' },
    },
    {
      name: 'proto-without-node',
      severity: 'error',
      from: { path: '^proto/src/', pathNot: '\\.test\\.ts$|/test/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'engine-is-pure',
      comment: 'Clock, random and I/O come to the engine as arguments.',
      severity: 'error',
      from: { path: '^engine/src/', pathNot: '\\.test\\.ts$|/test/' },
      to: { pathNot: '^(engine/src/|proto/)|node_modules/@bufbuild/protobuf' },
    },
    {
      name: 'platform-and-transport-know-no-feature',
      severity: 'error',
      from: { path: '^controller/src/(platform|transport)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(engine/|controller/src/(features|feature|app))' },
    },
    {
      name: 'features-meet-at-index',
      severity: 'error',
      from: { path: features, pathNot: '\\.test\\.ts$' },
      to: {
        path: '^controller/src/features/[^/]+/',
        pathNot: '^controller/src/features/$1/|^controller/src/features/[^/]+/index\\.ts$',
      },
    },
    {
      name: 'features-below-the-composition-root',
      severity: 'error',
      from: { path: features, pathNot: '\\.test\\.ts$' },
      to: { path: '^controller/src/(app|main)\\.ts$' },
    },
    {
      name: 'agent-alone',
      severity: 'error',
      from: { path: '^agent/' },
      to: { path: '^(engine|controller|web|e2e|deploy)/' },
    },
    {
      name: 'web-alone',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^(engine|controller|agent|e2e|deploy)/' },
    },
    {
      name: 'web-features-meet-at-index',
      severity: 'error',
      from: { path: '^web/src/features/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^web/src/features/[^/]+/', pathNot: '^web/src/features/$1/|^web/src/features/[^/]+/index\\.ts$' },
    },
    {
      name: 'ui-is-dumb',
      severity: 'error',
      from: { path: '^web/src/ui/' },
      to: { path: '^web/src/(features/|(router|api|live)\\.ts)' },
    },
    {
      name: 'grpc-and-fastify-in-transport',
      severity: 'error',
      from: {
        path: '^(controller|agent)/src/',
        pathNot: '^controller/src/transport/|^agent/src/link/(connect|rpc-client)\\.ts$|\\.test\\.ts$|\\.routes\\.ts$',
      },
      to: { path: 'node_modules/(@grpc/grpc-js|fastify|@fastify/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'one-way-out',
      comment:
        'What the controller asks of hosts that people name goes through platform/outbound.ts, which knows where it may go.',
      severity: 'error',
      from: {
        path: '^controller/src/(features|platform)/',
        pathNot: '^controller/src/platform/outbound(-rules)?\\.ts$|\\.test\\.ts$|/test/',
      },
      to: { path: '^(node:)?(https?|http2|net|tls|dns(/promises)?|undici)$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-undeclared-package',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'resolvable', severity: 'error', from: { pathNot: '^vitest\\.config' }, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|gen)/' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.vue', '.d.ts'],
    },
  },
}
