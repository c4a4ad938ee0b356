import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** The programs of other people that the interop tests run, and the Debian package that has each. */
const PEERS = {
  tgtd: 'tgt',
  tgtadm: 'tgt',
  'iscsi-ls': 'libiscsi-bin',
  'iscsi-inq': 'libiscsi-bin',
  'iscsi-perf': 'libiscsi-bin',
  'iscsi-test-cu': 'libiscsi-bin',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  stunnel4: 'stunnel4',
  openssl: 'openssl',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  tmux: 'tmux',
};

// tgtd lives where a login shell of an ordinary user does not look.
const searched = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];

/** The environment for every program that the tests start: PATH with the administrator's folders, plain text. */
export const peerEnvironment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: searched.join(path.delimiter),
  LC_ALL: 'C',
  NO_COLOR: '1',
};

requirePeers();

// Runs when the module is loaded, so that a machine without the programs fails before the first test does
// anything, and not with the twentieth of twenty confusing errors.
function requirePeers(): void {
  const missing = Object.entries(PEERS).filter(([program]) => !isInstalled(program));
  if (missing.length > 0) {
    const list = missing.map(([program, debianPackage]) => `${program} (${debianPackage})`).join(', ');
    throw new Error(`the interop tests need ${list}: run scripts/install-peers`);
  }
  if (process.getuid?.() !== 0) {
    throw new Error(
      'the interop tests need root: tgtd takes orders (tgtadm) from nobody else; run them with sudo',
    );
  }
}

function isInstalled(program: string): boolean {
  return searched.some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
