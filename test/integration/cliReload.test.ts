import { rename, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { daysAgo, saveTestPki, testPki } from '../support/certificates.ts';
import { CommandLine, sangate } from '../support/commandLine.ts';
import { DB1 } from '../support/loginPdus.ts';
import { makePipe } from '../support/namedPipe.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const CONFIGURATION = 78;

/** A folder with a gateway's configuration and certificates. */
async function folder(more = ''): Promise<(name: string) => string> {
  const path = await saveTestPki(await temporaryDirectory());
  const tls = 'tls: { cert: gateway.crt, key: gateway.key, clientCa: ca.crt, crl: ca.crl }';
  const db1 = 'certificate: { uri: "spiffe://sangate/db1" }, from: [127.0.0.0/8]';
  await writeFile(
    path('gateway.yaml'),
    `listen: [{ address: "127.0.0.1:0", ${tls} }]
backends: { array1: { portals: ["127.0.0.1:1"] } }
initiators: { db1: { iqn: ${DB1}, ${db1}, access: [{ target: "iqn.2026-01.org.example:*" }] } }
admin: false
watch: false
${more}`,
  );
  return path;
}

test.runIf(process.platform !== 'win32').each(['ca.crl', 'gateway.yaml'])(
  'a named pipe in place of %s fails a reload at once, the next one succeeds, and SIGTERM ends the gateway with code 0',
  async (name) => {
    const path = await folder();
    const gateway = new CommandLine(['gateway', '--config', path('gateway.yaml')]);
    await gateway.log('listening');
    await rename(path(name), path('kept'));
    makePipe(path(name));
    gateway.child.kill('SIGHUP');
    expect(await gateway.log('reload failed: everything is as it was')).toMatchObject({
      causes: ['SIGHUP'],
      problem: expect.stringMatching(new RegExp(`${name}.* is not a file`)),
    });
    await rename(path('kept'), path(name));
    gateway.child.kill('SIGHUP');
    expect(await gateway.log('reloaded')).toMatchObject({
      causes: ['SIGHUP'],
      lists: [{ listener: '127.0.0.1:0', number: '1', entries: 1 }],
    });
    gateway.child.kill('SIGTERM');
    expect((await gateway.exit()).code).toBe(0);
  },
);

test('check fails for a list that has ended, and for one that its authority has not signed', async () => {
  const path = await folder();
  const { crlOf, strangerCa } = await testPki();
  await writeFile(path('ca.crl'), crlOf([], daysAgo(60)));
  const ended = await sangate(['check', path('gateway.yaml')]);
  expect(ended.code).toBe(CONFIGURATION);
  expect(ended.stderr).toMatch(/error: .*ca\.crl: the CRL of the authority .* expired at/);
  await writeFile(path('ca.crt'), strangerCa);
  const uncovered = await sangate(['check', path('gateway.yaml')]);
  expect(uncovered.code).toBe(CONFIGURATION);
  expect(uncovered.stderr).toMatch(/error: .*ca\.crl: no CRL in it is signed by the authority/);
});

test('check warns of a list that ends within two weeks, and of an audit trail without a folder', async () => {
  const path = await folder('audit: { file: nowhere/audit.jsonl }');
  const { crlOf } = await testPki();
  await writeFile(path('ca.crl'), crlOf([], daysAgo(20)));
  const { code, stderr } = await sangate(['check', path('gateway.yaml')]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: .*ca\.crl: the CRL of the authority .* ends at/);
  expect(stderr).toContain(`warning: audit: the folder ${path('nowhere')} does not exist`);
});

test('a gateway that cannot write its audit trail does not say that it is open', async () => {
  const path = await folder('audit: { file: nowhere/audit.jsonl }');
  const gateway = new CommandLine(['gateway', '--config', path('gateway.yaml')]);
  expect(await gateway.log('audit trail')).toMatchObject({ alarm: 'failing' });
  await gateway.log('listening');
  gateway.child.kill('SIGTERM');
  expect((await gateway.exit()).stderr).not.toContain('audit trail open');
});

test('renewing a list for a few days warns of its end', async () => {
  const cwd = await temporaryDirectory();
  await sangate(['pki', 'init'], { cwd });
  const renew = (days: string) => sangate(['pki', 'renew-crl', '--crl-days', days], { cwd });
  expect((await renew('13')).stderr).toContain('warning: the revocation list ends at');
  expect((await renew('15')).stderr).not.toContain('warning');
});
