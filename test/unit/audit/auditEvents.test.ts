import { expect, onTestFinished, test, vi } from 'vitest';
import { auditEvents } from '../../../src/audit/auditEvents.ts';
import { GENESIS, seal } from '../../../src/audit/chain.ts';
import { auditLine, lineOf, type AuditEntry } from '../../../src/audit/entry.ts';
import { Failure } from '../../../src/failures.ts';
import type { GatewayEvent, Peer } from '../../../src/telemetry/events.ts';

const peer: Peer = {
  address: '203.0.113.7',
  certificate: 'spiffe://example.org/db1',
  initiatorName: 'iqn.1993-08.org.debian:01:db1',
};
const target = 'iqn.2026-01.org.example:disk1';
const traffic = { fromInitiator: { pdus: 3, bytes: 300 }, fromTarget: { pdus: 4, bytes: 400 } };
const rule = 'db1 at config/gateway.yaml:12:3';

/** The lines that events become; each is held against the schema. */
function linesOf(...events: GatewayEvent[]) {
  const lines: unknown[] = [];
  const observe = auditEvents({
    write: (entry) => lines.push(JSON.parse(seal(lineOf(entry, 0), GENESIS).text)),
  });
  for (const event of events) observe(event);
  return lines.map((line) => auditLine.parse(line));
}

test('a login that was allowed is told with who, what, rule and line', () => {
  const [line] = linesOf({
    kind: 'login',
    peer,
    sessionType: 'Normal',
    target,
    rule,
    backend: 'a',
    session: 7,
  });
  expect(line).toMatchObject({
    event: { action: 'login', outcome: 'success' },
    source: { ip: '203.0.113.7' },
    user: { name: 'iqn.1993-08.org.debian:01:db1' },
    rule: { name: 'db1', reference: 'config/gateway.yaml:12:3' },
    sangate: { certificate: 'spiffe://example.org/db1', target, session: 7, backend: 'a' },
  });
});

test('a login that was denied is told with its reason, and with what the peer was told', () => {
  const failure = new Failure('acl_denied', 'no access entry covers it');
  const [line] = linesOf({ kind: 'login', peer, target, rule, failure });
  expect(line).toMatchObject({
    event: { action: 'login', outcome: 'failure', reason: 'acl_denied' },
    message: 'no access entry covers it',
    sangate: { told: expect.stringContaining('0203') },
  });
});

test('a refused command is told with operation code, logical unit and rule', () => {
  const denied = {
    kind: 'denied',
    peer,
    session: 7,
    target,
    rule,
    denial: 'write-protected',
    what: 'WRITE(10)',
  } as const;
  const [enforced, shadow] = linesOf(
    { ...denied, enforced: true, operationCode: 0x2a, lun: 3, suppressed: 0 },
    { ...denied, enforced: false, taskFunction: 6, lun: 'c101000000000000', suppressed: 9 },
  );
  expect(enforced).toMatchObject({
    event: { action: 'command-denied', outcome: 'failure', reason: 'write-protected' },
    rule: { name: 'db1' },
    sangate: { enforced: true, operationCode: 0x2a, lun: '3' },
  });
  expect(shadow).toMatchObject({
    event: { outcome: 'success' },
    sangate: { enforced: false, taskFunction: 6, lun: 'c101000000000000', suppressed: 9 },
  });
});

test("a session's end has its bytes, all its denials and how many were not told, and an operator's end is a kill", () => {
  const end = {
    kind: 'sessionEnded',
    peer,
    session: 7,
    target,
    denials: 30,
    suppressed: 22,
    ...traffic,
  } as const;
  const [logout, kill] = linesOf(
    { ...end, by: 'logout' },
    { ...end, by: 'gateway', failure: new Failure('killed', 'an operator ended it from 127.0.0.1') },
  );
  expect(logout).toMatchObject({
    event: { action: 'session-end', outcome: 'success' },
    sangate: { by: 'logout', denials: 30, suppressed: 22, fromInitiator: 300, fromTarget: 400 },
  });
  expect(kill).toMatchObject({
    event: { action: 'session-kill', reason: 'killed' },
    message: expect.stringContaining('an operator'),
  });
});

test('a reload is told, and one that failed with its problem', () => {
  const [done, failed] = linesOf(
    { kind: 'reload', causes: ['SIGHUP'], kept: 3, ended: 1 },
    { kind: 'reload', causes: [], problem: 'line 3: no' },
  );
  expect(done).toMatchObject({ event: { action: 'configuration-reload', outcome: 'success' } });
  expect(failed).toMatchObject({ event: { outcome: 'failure' }, message: 'line 3: no' });
});

test.each([
  [{ kind: 'drain', sessions: 3, seconds: 10 }, 'gateway-drain', 'success'],
  [
    {
      kind: 'duplicate',
      peer,
      other: { address: '::1', sha256: 'ab'.repeat(32), serial: '02' },
      isRefused: true,
    },
    'duplicate-initiator',
    'failure',
  ],
  [{ kind: 'discovery', peer, shown: 3, missing: [], malformed: [] }, 'discovery', 'success'],
  [{ kind: 'handshake', peer, failure: new Failure('no_cert', 'none') }, 'tls-handshake', 'failure'],
  [
    { kind: 'refused', peer, failure: new Failure('too_many_connections', 'x'), suppressed: 4 },
    'connection',
    'failure',
  ],
] satisfies [GatewayEvent, string, string][])('%o is one line', (event, action, outcome) => {
  expect(linesOf(event)).toMatchObject([{ event: { action, outcome } }]);
});

test('of two hosts with one initiator name, the line has the certificate of each', () => {
  const newcomer = { sha256: 'cd'.repeat(32), serial: '03' };
  const other = { address: '::1', sha256: 'ab'.repeat(32), serial: '02' };
  const [line] = linesOf({ kind: 'duplicate', peer: { ...peer, ...newcomer }, other, isRefused: false });
  expect(line!.sangate).toMatchObject({ ...newcomer, other });
});

test('a tunnel that opens is told by its login alone', () => {
  expect(linesOf({ kind: 'handshake', peer })).toEqual([]);
});

test('strangers can not fill the disk: what TLS refuses is told twenty times a second at most', () => {
  const stranger: GatewayEvent = { kind: 'handshake', peer, failure: new Failure('no_cert', 'none') };
  expect(linesOf(...Array.from({ length: 1000 }, () => stranger)).length).toBeLessThanOrEqual(40);
});

test('a peer can not wash the trail out by asking again and again: the next line tells how many were left out', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const lines: AuditEntry[] = [];
  const observe = auditEvents({ write: (entry) => void lines.push(entry) });
  const discovery: GatewayEvent = { kind: 'discovery', peer, shown: 3, missing: [], malformed: [] };
  for (let n = 0; n < 763; n++) observe(discovery);
  expect(lines).toHaveLength(20);
  vi.advanceTimersByTime(60_000);
  observe(discovery);
  expect(lines.at(-1)!.own).toMatchObject({ suppressed: 743 });
});
