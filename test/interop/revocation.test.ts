import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { revoke } from '../../src/pki/revocation.ts';
import { initStore, issueInto } from '../../src/pki/store.ts';
import { run, runOk } from './support/process.ts';
import { resources } from './support/resources.ts';

const opened = resources(afterAll);

/** A directory of `sangate pki` with three clients, of whom openssl has revoked db1, as `openssl ca` does it. */
async function revokedByOpenssl(digest: string): Promise<string> {
  const directory = await opened.directory();
  const file = (name: string): string => path.join(directory, name);
  await initStore(directory, { commonName: 'interop CA', days: 9, crlDays: 9 });
  for (const name of ['db1', 'db2', 'db3']) await issueInto(directory, name, { usage: 'client', days: 5 });
  await writeFile(file('database'), '');
  await writeFile(file('crlnumber'), '02\n');
  await writeFile(
    file('revoke.cnf'),
    [
      '[ca]',
      'default_ca = sangate',
      '[sangate]',
      `certificate = ${file('ca.crt')}`,
      `private_key = ${file('ca.key')}`,
      `database = ${file('database')}`,
      `crlnumber = ${file('crlnumber')}`,
      `default_md = ${digest}`,
      'default_crl_days = 7',
      'crl_extensions = crl',
      '[crl]',
      'authorityKeyIdentifier = keyid',
    ].join('\n'),
  );
  const ca = ['ca', '-config', file('revoke.cnf')];
  await runOk('openssl', [...ca, '-revoke', file('db1.crt'), '-crl_reason', 'keyCompromise']);
  await runOk('openssl', [...ca, '-gencrl', '-out', file('ca.crl')]);
  return directory;
}

test.each(['sha256', 'sha512'])(
  'a list that openssl signed with %s is carried on, reason and all, and openssl accepts the new one',
  async (digest) => {
    const directory = await revokedByOpenssl(digest);
    const file = (name: string): string => path.join(directory, name);
    const { renewal } = await revoke(directory, 'db2');
    expect(renewal?.number).toBe(3);
    const list = ['crl', '-in', file('ca.crl'), '-CAfile', file('ca.crt')];
    const checked = await run('openssl', [...list, '-verify', '-noout', '-text']);
    expect(checked.stderr).toContain('verify OK');
    expect(checked.stdout.match(/Serial Number: /g)).toHaveLength(2);
    expect(checked.stdout).toMatch(/Key Compromise[^]*Serial Number: /);
    const chain = ['verify', '-crl_check', '-CAfile', file('ca.crt'), '-CRLfile', file('ca.crl')];
    for (const name of ['db1', 'db2']) {
      const { code, stderr } = await run('openssl', [...chain, file(`${name}.crt`)]);
      expect(code, name).not.toBe(0);
      expect(stderr).toContain('certificate revoked');
    }
    expect(await runOk('openssl', [...chain, file('db3.crt')])).toContain('OK');
  },
);
