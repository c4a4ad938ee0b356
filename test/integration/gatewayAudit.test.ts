import http from 'node:http';
import { once } from 'node:events';
import { appendFile, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seal } from '../../src/audit/chain.ts';
import { auditLine, lineOf } from '../../src/audit/entry.ts';
import { verifyTrail } from '../../src/audit/verify.ts';
import { linesOf } from '../support/auditTrail.ts';
import { DB1, DISK1, identity } from '../support/loginPdus.ts';
import { SECRETS, Site, startSite, startTarget } from '../support/site.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

const FORMAT_UNIT = Buffer.from('04000000000000000000000000000000', 'hex');

/** Where a gateway keeps its trail, and an array for it. */
async function setting() {
  const file = join(await temporaryDirectory(), 'audit.jsonl');
  const array = await startTarget();
  return { file, options: { backends: { array1: { portals: [array.portal] } }, audit: { file } } };
}

test('a gateway writes down who came, what was refused and what operators did, as one chain', async () => {
  const { file, options } = await setting();
  const site = await startSite(options);
  const stranger = await site.connect({ cert: '', key: '' });
  await stranger.closed;
  await site.log.line({ msg: 'tunnel refused' });
  const denied = await site.connect();
  await denied.logIn(identity({ TargetName: 'iqn.2026-01.org.example:other' })).catch(() => {});
  await site.log.line({ msg: 'login denied' });
  const initiator = await site.connect();
  await initiator.logIn();
  initiator.command(FORMAT_UNIT);
  await initiator.next();
  await site.reload(({ initiators }) => {
    initiators['db1'] = { ...initiators['db1'], maxSessions: 7 };
  });
  await site.reload((settings) => {
    settings['unknown'] = true;
  });
  await site.gateway.stop();

  const lines = await linesOf(file);
  expect(lines.map(({ event }) => [event.action, event.outcome, event.reason])).toEqual([
    ['gateway-start', 'success', undefined],
    ['tls-handshake', 'failure', 'no_cert'],
    ['login', 'failure', 'acl_denied'],
    ['login', 'success', undefined],
    ['command-denied', 'failure', 'not-supported'],
    ['configuration-reload', 'success', undefined],
    ['configuration-reload', 'failure', undefined],
    ['session-end', 'failure', 'shutting_down'],
    ['gateway-stop', 'success', undefined],
  ]);
  expect(lines[3]).toMatchObject({
    source: { ip: '127.0.0.1' },
    user: { name: DB1 },
    rule: { name: 'db1', reference: expect.stringMatching(/gateway\.yaml:\d+:\d+$/) },
    sangate: { target: DISK1, certificate: 'spiffe://sangate/db1' },
  });
  for (const line of lines) auditLine.parse(line);
  expect(await verifyTrail([file])).toMatchObject({ problems: [], lines: lines.length });
});

test('no CHAP secret comes into the trail, and the log has its beginning and its end', async () => {
  const { file, options } = await setting();
  const site = await startSite(options);
  const initiator = await site.connect();
  await initiator.logIn();
  await site.gateway.stop();
  const text = await readFile(file, 'utf8');
  for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
  const { last } = await verifyTrail([file]);
  expect(await site.log.line({ msg: 'audit trail closed' })).toMatchObject({ ...last });
});

test('a gateway does not start on the trail of another one', async () => {
  const { options } = await setting();
  await startSite(options);
  await expect(Site.start(options)).rejects.toThrow('is written by process');
});

test('a gateway whose trail can not be written serves initiators all the same, and raises the alarm', async () => {
  const { options } = await setting();
  const site = await startSite({ ...options, admin: true, audit: { file: '/nowhere/audit.jsonl' } });
  expect(await site.log.line({ msg: 'audit trail' })).toMatchObject({ level: 'error', alarm: 'failing' });
  const initiator = await site.connect();
  await initiator.logIn();
  await initiator.ping();
  expect(await metricsOf(site)).toContain('sangate_audit_healthy 0\n');
});

test('metrics tell that the trail is written, and how many lines it has', async () => {
  const { options } = await setting();
  const site = await startSite({ ...options, admin: true });
  await site.reload(() => {});
  await site.reload(() => {}); // what waits is written when it looks for the file again
  const metrics = await metricsOf(site);
  expect(metrics).toContain('sangate_audit_healthy 1\n');
  expect(metrics).toMatch(/^sangate_audit_lines_total [123]\n/m);
  expect(metrics).toContain('sangate_audit_lines_lost_total 0\n');
  expect(metrics).toContain('sangate_audit_damaged_total 0\n');
});

test('a line that somebody else has forged into the chain of a running gateway is told in log, metrics and trail', async () => {
  const { file, options } = await setting();
  const site = await startSite({ ...options, admin: true });
  await site.reload(() => {});
  await site.reload(() => {}); // what waits is written when it looks for the file again
  const { last } = await verifyTrail([file]);
  await appendFile(
    file,
    seal(lineOf({ action: 'session-kill', outcome: 'failure' }, Date.now()), last!).text,
  );
  await site.reload(() => {});
  expect(await site.log.line({ msg: 'audit trail' })).toMatchObject({ level: 'error', alarm: 'damaged' });
  expect(await metricsOf(site)).toContain('sangate_audit_damaged_total 1\n');
  await site.gateway.stop();
  expect((await linesOf(file)).map(({ event }) => event.action)).toContain('audit-damaged');
  expect((await verifyTrail([file])).problems.length).toBeGreaterThan(0);
});

test('a reload goes on in a new file where logrotate has moved the old one', async () => {
  const { file, options } = await setting();
  const site = await startSite(options);
  await (await site.connect()).logIn();
  await rename(file, `${file}.1`);
  await site.reload(() => {});
  await site.gateway.stop();
  const actions = (await linesOf(file)).map(({ event }) => event.action);
  expect(actions[0]).toBe('audit-file-begun');
  expect(actions.at(-1)).toBe('gateway-stop');
  expect((await verifyTrail([file])).problems).toEqual([]);
});

async function metricsOf(site: Site): Promise<string> {
  const { address: host, port } = site.gateway.admin!;
  const [response] = (await once(http.get({ host, port, path: '/metrics' }), 'response')) as [
    http.IncomingMessage,
  ];
  return Buffer.concat(await response.toArray()).toString();
}

const actions = async (trail: string) => (await linesOf(trail)).map(({ event }) => event.action);

test('a reload that names another trail ends the one and begins the other, and one that names none ends it', async () => {
  const { file, options } = await setting();
  const other = join(await temporaryDirectory(), 'other.jsonl');
  const site = await startSite({ ...options, admin: true });
  const { address, port } = site.gateway.admin!;
  const metrics = async () => (await fetch(`http://${address}:${port}/metrics`)).text();
  await site.reload((settings) => void (settings['audit'] = { file: other }));
  await (await site.connect()).logIn();
  expect(await metrics()).toMatch(/^sangate_audit_healthy 1$/m);
  await site.reload((settings) => void delete settings['audit']);
  expect(await metrics()).not.toMatch(/^sangate_audit_healthy \d/m);
  expect(await actions(file)).toEqual(['gateway-start', 'configuration-reload']);
  expect(await actions(other)).toEqual(['configuration-reload', 'login', 'configuration-reload']);
  for (const trail of [file, other]) expect((await verifyTrail([trail])).problems).toEqual([]);
});

test('a trail that another process has fails the reload that names it, and the old one goes on', async () => {
  const { file, options } = await setting();
  const theirs = await setting();
  await startSite(theirs.options);
  const site = await startSite(options);
  await site.reload((settings) => void (settings['audit'] = { file: theirs.file }));
  await site.log.line({ msg: 'reload failed: everything is as it was' });
  await site.gateway.stop();
  expect((await linesOf(file)).map(({ event }) => [event.action, event.outcome])).toEqual([
    ['gateway-start', 'success'],
    ['configuration-reload', 'failure'],
    ['gateway-stop', 'success'],
  ]);
});
