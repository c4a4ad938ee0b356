import { expect, test } from 'vitest';
import { RequestReport } from '../../../src/gateway/requestReport.ts';
import type { Denied, Notable } from '../../../src/relay/access.ts';

const decided = { rule: 'db1', location: 'gateway.yaml:17:9' };
const write: Denied = {
  ...decided,
  kind: 'write-protected',
  enforced: true,
  command: { operationCode: 0x2a },
  lun: 0,
};
const reserve: Notable = { ...decided, effect: 'reserve', operationCode: 0x5f, lun: 0 };

/** What of it is told, and how many were left out before. */
function told(tell: (report: RequestReport) => void) {
  const denied: [Denied, number][] = [];
  const notable: [Notable, number][] = [];
  const report = new RequestReport({
    onDenied: (...what) => void denied.push(what),
    onNotable: (...what) => void notable.push(what),
  });
  tell(report);
  return { denied, notable, report };
}

const times = (n: number, act: (i: number) => void) => Array.from({ length: n }, (_, i) => act(i));

test('however much is denied, the first of each kind of request is told', () => {
  const format: Denied = { ...write, danger: 'format', command: { operationCode: 0x04 } };
  const reset: Denied = { ...decided, kind: 'hidden-lun', enforced: true, taskFunction: 5, lun: 7 };
  const { denied, report } = told(({ onDenied }) => {
    times(1000, () => onDenied(write));
    onDenied({ ...write, lun: 1 });
    onDenied({ ...write, command: { operationCode: 0x9f, serviceAction: 0x11 } });
    onDenied(format);
    onDenied(reset);
  });
  expect(denied.slice(-4).map(([{ command, taskFunction, lun }]) => [command, taskFunction, lun])).toEqual([
    [{ operationCode: 0x2a }, undefined, 1],
    [{ operationCode: 0x9f, serviceAction: 0x11 }, undefined, 0],
    [{ operationCode: 0x04 }, undefined, 0],
    [undefined, 5, 7],
  ]);
  expect(report.denials).toBe(1004);
});

test('denials that were told before are told again as long as they are few, with the number of those left out', () => {
  const { denied, report } = told(({ onDenied }) => {
    times(1000, () => onDenied(write));
    onDenied({ ...write, lun: 1 });
  });
  expect(denied.map(([{ lun }, suppressed]) => [lun, suppressed])).toEqual([
    [0, 0],
    [0, 0],
    [1, 998],
  ]);
  expect(report.suppressed).toBe(998);
});

test('one that asks for ever more logical units has no more than 256 lines, and does not hide a danger', () => {
  const format: Denied = { ...write, kind: 'hidden-lun', danger: 'format', command: { operationCode: 0x04 } };
  const { denied, report } = told(({ onDenied }) => {
    times(1000, (lun) => onDenied({ ...write, kind: 'hidden-lun', lun }));
    onDenied(format);
  });
  expect(denied.length).toBeLessThanOrEqual(256 + 2);
  expect(denied.at(-1)![0]).toBe(format);
  expect(report.suppressed + denied.length).toBe(1001);
});

test('in a session that only shadow has let begin, each kind of request is told once', () => {
  const read: Denied = { ...write, kind: 'no-access', enforced: false, command: { operationCode: 0x28 } };
  const { denied, report } = told(({ onDenied }) => {
    times(1000, () => onDenied(read));
    onDenied({ ...read, command: { operationCode: 0x2a } });
  });
  expect(denied.map(([{ command }]) => command!.operationCode)).toEqual([0x28, 0x2a]);
  expect(report.denials).toBe(1001);
});

test('where another rule holds, what was told is told again', () => {
  const { denied } = told((report) => {
    times(10, () => report.onDenied(write));
    report.accessChanged();
    report.onDenied({ ...write, location: 'gateway.yaml:18:9' });
  });
  expect(denied.at(-1)).toEqual([{ ...write, location: 'gateway.yaml:18:9' }, 8]);
});

test('a danger that went on is told whatever else is of note, and however often it comes', () => {
  const select: Notable = { ...reserve, effect: 'configure', operationCode: 0x15 };
  const format: Notable = { ...reserve, effect: 'format', operationCode: 0x04 };
  const { notable } = told(({ onNotable }) => {
    times(100, () => onNotable(select));
    times(100, () => onNotable(reserve));
    times(50, () => onNotable(format));
  });
  const count = (effect: string) => notable.filter(([told]) => told.effect === effect).length;
  expect(count('format')).toBe(50);
  expect(count('configure')).toBeLessThan(100);
  expect(count('reserve')).toBeLessThan(100);
});

test('what was left out of one effect is told with the next of it', () => {
  const { notable, report } = told(({ onNotable }) => {
    times(100, () => onNotable(reserve));
    onNotable({ ...reserve, lun: 1 });
  });
  const suppressed = notable.at(-1)![1];
  expect(suppressed).toBeGreaterThan(0);
  expect(report.suppressed).toBe(suppressed);
  expect(notable.length + suppressed).toBe(101);
});
