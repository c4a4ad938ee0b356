import { run, type Finished } from './process.ts';
import type { ChapBothWays } from './sangate.ts';

interface Login {
  readonly portal: string;
  /** The initiator's name. */
  readonly iqn: string;
  /** What the initiator proves, and what it demands of the target. */
  readonly chap?: ChapBothWays;
}

/** Discovery, then a login to every target found: `iscsi-ls -s`. */
export async function iscsiLs(login: Login): Promise<Finished> {
  return run('iscsi-ls', ['-s', '-i', login.iqn, url(login)]);
}

/** Discovery alone: `iscsi-ls`. */
export async function iscsiLsTargets(login: Login): Promise<Finished> {
  return run('iscsi-ls', ['-i', login.iqn, url(login)]);
}

/** A login to one logical unit and an INQUIRY: `iscsi-inq`. */
export async function iscsiInq(login: Login, target: string, lun = 1): Promise<Finished> {
  return run('iscsi-inq', ['-i', login.iqn, url(login, `/${target}/${lun}`)]);
}

function url({ portal, chap }: Login, resource = ''): string {
  const account = chap ? `${chap.user}%${chap.secret}@` : '';
  const mutual = chap?.mutual ? `?target_user=${chap.mutual.user}&target_password=${chap.mutual.secret}` : '';
  return `iscsi://${account}${portal}${resource}${mutual}`;
}
