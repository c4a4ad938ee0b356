import { expect, test } from 'vitest';
import { explainDialFailure } from '../../../src/tls/dial.ts';

test.each([
  ['SELF_SIGNED_CERT_IN_CHAIN', /does not come from our CA: compare the stub's ca/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /does not come from our CA: compare the stub's ca/],
  ['CERT_HAS_EXPIRED', /not in date: renew it, or compare the clocks/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS: check that host and port/],
])('%s is told with what to do about it', (code, told) => {
  expect(explainDialFailure(Object.assign(new Error('as OpenSSL says'), { code })).message).toMatch(told);
});

test("a name that does not fit is told with the certificate's names", () => {
  const error = Object.assign(new Error('IP: 127.0.0.1 is not in the cert list'), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    host: '127.0.0.1',
    cert: { subjectaltname: 'DNS:gw.example.org' },
  });
  expect(explainDialFailure(error as never).message).toMatch(
    /is not for 127\.0\.0\.1 but for DNS:gw\.example\.org: dial a name that it has, or give that as serverName/,
  );
});

test('an error that says enough is left as it is', () => {
  const error = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:3261'), { code: 'ECONNREFUSED' });
  expect(explainDialFailure(error)).toBe(error);
});
