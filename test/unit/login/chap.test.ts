import { expect, test } from 'vitest';
import {
  chapLength,
  chapNumber,
  chapResponse,
  chooseAlgorithm,
  equalInConstantTime,
} from '../../../src/login/chap.ts';
import { CHAP_ALGORITHMS } from '../../../src/policy/chapRequirement.ts';
import { secretOf } from '../../support/loginMessages.ts';

const SECRET = secretOf('sangate-secret16');
const SHORT = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const LONG = Buffer.alloc(1024, 0xab);

// printf '\x17sangate-secret16\x00\x01…\x0f' | openssl dgst -md5 and so on, OpenSSL 3.0
test.each([
  ['md5', 'dcbffa1d08c299bc6441376078f11142'],
  ['sha1', '93479524864911957e130cefb56bceaef02f809f'],
  ['sha256', '24e68fafd5a274bccdc1feeb95e9cf096e93623203509b0b27d08ddff23c950b'],
  ['sha3-256', '9887e547b7e83842b0cff41241dbb7c7681cbd7b40b7123d2000b247942b9477'],
] as const)('the %s response is the digest of identifier, secret and challenge', (algorithm, expected) => {
  expect(chapResponse(algorithm, 0x17, SECRET, SHORT).toString('hex')).toBe(expected);
});

test.each([
  ['md5', 'b71b8d84c1218bd990fc1d1327a15dec'],
  ['sha1', '33b98459807340ae75e6b9cffcebff54788aa451'],
  ['sha256', '07675418043fe5069b3b4b642ba3a9b6668a7e9a0f0362143987e6225aa7ccf4'],
  ['sha3-256', '72427b723cc5e8289910a4d96595431a25e6882e7665cba0088e23cb5f96a5d4'],
] as const)('the %s response covers the whole of a challenge of 1024 bytes', (algorithm, expected) => {
  expect(chapResponse(algorithm, 0xff, SECRET, LONG).toString('hex')).toBe(expected);
});

test.each([
  ['md5', 5, 16],
  ['sha1', 6, 20],
  ['sha256', 7, 32],
  ['sha3-256', 8, 32],
] as const)('%s is CHAP_A %i with responses of %i bytes', (algorithm, number, length) => {
  expect(chapNumber(algorithm)).toBe(number);
  expect(chapLength(algorithm)).toBe(length);
  expect(chapResponse(algorithm, 0, SECRET, SHORT)).toHaveLength(length);
});

test('the first algorithm in the order of the peer that is allowed is chosen', () => {
  expect(chooseAlgorithm('5,7', CHAP_ALGORITHMS)).toBe('md5');
  expect(chooseAlgorithm('7,5', CHAP_ALGORITHMS)).toBe('sha256');
  expect(chooseAlgorithm('5,6,8', ['sha3-256', 'sha1'])).toBe('sha1');
});

test.each(['', '9', '05', '5 ', '55', '0x5', '5;7', 'MD5'])('"%s" offers nothing', (list) => {
  expect(chooseAlgorithm(list, CHAP_ALGORITHMS)).toBeUndefined();
});

test('bytes are equal only whole', () => {
  const bytes = Buffer.from('abcd');
  expect(equalInConstantTime(bytes, Buffer.from('abcd'))).toBe(true);
  for (const other of ['abce', 'abc', 'abcde', '']) {
    expect(equalInConstantTime(bytes, Buffer.from(other))).toBe(false);
  }
});
