import { expect, test } from 'vitest';
import { AuthenticatedLogin } from '../../../src/login/targetLogin.ts';
import { Authorization } from '../../../src/policy/policy.ts';
import { authenticated, type Proofs } from '../../support/authenticated.ts';
import { DISK } from '../../support/initiatorRule.ts';
import { Relayed } from '../../support/relayed.ts';

const make = (constructor: unknown, ...fields: unknown[]) =>
  new (constructor as new (...fields: unknown[]) => unknown)(...fields);

const lookalike = (proof: object): object => Object.assign({}, proof);

const relayWith = (proofs: unknown) => () => new Relayed({ proofs: proofs as Proofs });

test('a relay takes the proofs of one login', () => {
  expect(relayWith(authenticated())).not.toThrow();
});

test("another login's authorization is refused, even of the same initiator", () => {
  const { login } = authenticated();
  const { authorization } = authenticated();
  expect(relayWith({ login, authorization })).toThrow(TypeError);
});

test('an authorization for another target than the login is for is refused', () => {
  expect(relayWith(authenticated(DISK, 'iqn.2001-05.com.equallogic:disk-db1-log'))).toThrow(TypeError);
});

test('objects that only look like proofs are refused', () => {
  const { login, authorization } = authenticated();
  expect(relayWith({ login, authorization: lookalike(authorization) })).toThrow(TypeError);
  expect(relayWith({ login: lookalike(login), authorization })).toThrow(TypeError);
  expect(relayWith({ login: lookalike(login), authorization: lookalike(authorization) })).toThrow(TypeError);
});

test('objects with the right prototype alone are refused', () => {
  const { login, authorization } = authenticated();
  const forgedLogin = Object.assign(Object.create(AuthenticatedLogin.prototype), login);
  const forgedAuthorization = Object.assign(Object.create(Authorization.prototype), authorization);
  expect(relayWith({ login: forgedLogin, authorization })).toThrow(TypeError);
  expect(relayWith({ login, authorization: forgedAuthorization })).toThrow(TypeError);
});

test('a constructor that is called past the compiler makes no proof', () => {
  const { login, authorization } = authenticated();
  const { admission, target, access } = authorization;
  expect(relayWith({ login, authorization: make(Authorization, admission, target, access) })).toThrow(
    TypeError,
  );
  expect(
    relayWith({ login: make(AuthenticatedLogin, login.identity, admission, login.opening), authorization }),
  ).toThrow(TypeError);
});

test('nothing at all is refused', () => {
  expect(relayWith({ login: undefined, authorization: undefined })).toThrow(TypeError);
  expect(relayWith({ login: {}, authorization: {} })).toThrow(TypeError);
});
