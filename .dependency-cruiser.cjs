// The import law (docs/architecture.md): arrows point down only, and the sans-IO core touches no socket,
// file, timer module or terminal. A folder may import itself and the folders listed for it, nothing else.
const layers = {
  'failures\\.ts': ['iscsi/'],
  'iscsi/': [],
  'scsi/': ['iscsi/'],
  'policy/': ['iscsi/', 'scsi/', 'failures\\.ts'],
  'login/': ['iscsi/', 'policy/', 'failures\\.ts'],
  'discovery/': ['iscsi/', 'policy/', 'login/', 'failures\\.ts'],
  'accounting/': ['iscsi/', 'scsi/', 'failures\\.ts'],
  'relay/': ['iscsi/', 'scsi/', 'policy/', 'login/', 'discovery/', 'accounting/', 'failures\\.ts'],
  'transport/': ['iscsi/', 'failures\\.ts'],
  'processLock\\.ts': [],
  'workers/': ['iscsi/', 'failures\\.ts'],
  'target/': [
    'iscsi/',
    'scsi/',
    'policy/',
    'login/',
    'discovery/',
    'transport/',
    'failures\\.ts',
    'processLock\\.ts',
  ],
  'initiator/': ['iscsi/', 'scsi/', 'policy/', 'login/', 'discovery/', 'transport/', 'failures\\.ts'],
  'config/': ['iscsi/', 'policy/', 'login/'],
  'pki/': ['processLock\\.ts'],
  'tls/': ['policy/', 'failures\\.ts'],
  'audit/': ['iscsi/', 'telemetry/', 'failures\\.ts', 'processLock\\.ts'],
  'telemetry/': ['iscsi/', 'accounting/', 'failures\\.ts'],
  'status/': ['accounting/', 'telemetry/', 'failures\\.ts'],
  'gateway/': [
    'iscsi/',
    'policy/',
    'login/',
    'discovery/',
    'accounting/',
    'relay/',
    'transport/',
    'initiator/',
    'config/',
    'tls/',
    'telemetry/',
    'workers/',
    'failures\\.ts',
  ],
  'stub/': ['iscsi/', 'transport/', 'config/', 'tls/', 'telemetry/', 'workers/', 'failures\\.ts'],
  'explain/': ['iscsi/', 'scsi/', 'policy/', 'relay/', 'config/', 'tls/', 'failures\\.ts'],
  'admin/': ['iscsi/', 'transport/', 'config/', 'tls/', 'telemetry/', 'status/', 'explain/', 'failures\\.ts'],
};
const core = '^src/(failures\\.ts|iscsi/|scsi/|policy/|login/|discovery/|accounting/|relay/)';
const io =
  '^(node:)?(net|tls|fs|fs/promises|dgram|http|https|http2|dns|dns/promises|timers|timers/promises|child_process|cluster|worker_threads|readline|process|os)$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(layers).map(([layer, below]) => ({
      name: `only-down-from-${layer.replace(/\W+/g, '')}`,
      comment: `src/${layer} may import: ${below.join(' ') || 'nothing above itself'}`,
      severity: 'error',
      from: { path: `^src/${layer}` },
      to: { path: '^src/', pathNot: `^src/(${[layer, ...below].join('|')})` },
    })),
    { name: 'core-is-sans-io', severity: 'error', from: { path: core }, to: { path: io } },
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: { tsPreCompilationDeps: true, parser: 'swc', doNotFollow: { path: 'node_modules' } },
};
