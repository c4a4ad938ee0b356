import { expect, test } from 'vitest';
import { describeLoginStatus, LoginStatus } from '../../../src/iscsi/loginStatus.ts';

test('a status is shown with class, detail and name', () => {
  expect(describeLoginStatus(LoginStatus.success)).toBe('0000 success');
  expect(describeLoginStatus(0x0203)).toBe('0203 notFound');
  expect(describeLoginStatus(0x020b)).toBe('020b invalidDuringLogin');
});

test('a status that RFC 7143 does not name is shown by its digits', () => {
  expect(describeLoginStatus(0x02ff)).toBe('02ff');
});
