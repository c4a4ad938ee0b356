import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { describeListenError } from '../../../src/transport/listenError.ts';

test('an address of another machine is named, with what to do', async () => {
  const server = net.createServer().listen(0, '192.0.2.1');
  const [error] = (await once(server, 'error')) as [Error];
  expect(describeListenError(error)).toBe(
    'cannot listen at 192.0.2.1: this machine has no such address — choose one of its own; `ip address` lists them',
  );
});

test('a port that this user may not use is named with its address', () => {
  const error = { syscall: 'listen', code: 'EACCES', address: '::1', port: 80 };
  expect(describeListenError(Object.assign(new Error('x'), error))).toMatch(
    /^cannot listen at \[::1\]:80: this user may not — choose a port from 1024/,
  );
});

test('a reason that is not foreseen is told by its code', () => {
  const error = Object.assign(new Error('x'), {
    syscall: 'listen',
    code: 'EODD',
    address: '127.0.0.1',
    port: 1,
  });
  expect(describeListenError(error)).toContain('127.0.0.1:1: EODD');
});

test('a name that cannot be resolved is named', () => {
  const error = { syscall: 'getaddrinfo', code: 'ENOTFOUND', hostname: 'nowhere.invalid' };
  expect(describeListenError(Object.assign(new Error('x'), error))).toContain('nowhere.invalid');
});

test('any other error is left to others', () => {
  expect(describeListenError(new Error('x'))).toBeUndefined();
});
