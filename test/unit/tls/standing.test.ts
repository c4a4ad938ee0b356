import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { RevocationList } from '../../../src/tls/revocationList.ts';
import { checkStanding, type Trust } from '../../../src/tls/standing.ts';
import { mint, mintCrl, type Minted } from '../../support/minting.ts';

const chain = (...certificates: Minted[]): Buffer[] =>
  certificates.map(({ cert }) => new X509Certificate(cert).raw);

const trust = (authorities: readonly Minted[], ...crls: string[]): Trust => ({
  authorities: authorities.map(({ cert }) => new X509Certificate(cert)),
  revocations: crls.map((pem) => new RevocationList(pem)),
});

const now = Date.now();

test('a certificate that is no authority vouches for nobody, though an authority signed it', () => {
  const root = mint('root', { kind: 'ec', ca: true });
  const db1 = mint('db1', { kind: 'ec', issuer: root });
  const forged = mint('db2', { kind: 'ec', issuer: db1 });
  expect(() => checkStanding(chain(db1), trust([root]), now)).not.toThrow();
  expect(() => checkStanding(chain(forged, db1), trust([root]), now)).toThrow(
    expect.objectContaining({ reason: 'unknown_ca' }),
  );
});

test('authorities that sign each other in a circle lead nowhere', () => {
  const one = mint('one', { kind: 'ec', ca: true });
  const two = mint('two', { kind: 'ec', ca: true });
  const oneByTwo = mint('one', { kind: 'ec', ca: true, key: one.key, issuer: two });
  const twoByOne = mint('two', { kind: 'ec', ca: true, key: two.key, issuer: one });
  const db1 = mint('db1', { kind: 'ec', issuer: one });
  const root = mint('root', { kind: 'ec', ca: true });
  expect(() => checkStanding(chain(db1, oneByTwo, twoByOne), trust([root]), now)).toThrow(
    expect.objectContaining({ reason: 'unknown_ca' }),
  );
});

test('where one way to an authority is revoked, another that was presented holds', () => {
  const gone = mint('gone', { kind: 'ec', ca: true });
  const root = mint('root', { kind: 'ec', ca: true });
  const byGone = mint('intermediate', { kind: 'ec', ca: true, issuer: gone, serial: '05' });
  const byRoot = mint('intermediate', { kind: 'ec', ca: true, issuer: root, key: byGone.key });
  const db1 = mint('db1', { kind: 'ec', issuer: byGone });
  const revoking = trust([gone, root], mintCrl(gone, ['05']));
  expect(() => checkStanding(chain(db1, byGone, byRoot), revoking, now)).not.toThrow();
  expect(() => checkStanding(chain(db1, byGone), revoking, now)).toThrow(
    expect.objectContaining({ reason: 'revoked_cert' }),
  );
});

test('a certificate that was taken off a newer list is revoked while the older one is there', () => {
  const root = mint('root', { kind: 'ec', ca: true });
  const db1 = mint('db1', { kind: 'ec', issuer: root, serial: '05' });
  const both = trust([root], mintCrl(root, []), mintCrl(root, ['05']));
  expect(() => checkStanding(chain(db1), both, now)).toThrow(
    expect.objectContaining({ reason: 'revoked_cert' }),
  );
});

test('the log is told whose certificate it is, and which', () => {
  const root = mint('root', { kind: 'ec', ca: true });
  const db1 = mint('db1', { kind: 'ec', issuer: root, serial: 'abcd' });
  expect(() => checkStanding(chain(db1), trust([root], mintCrl(root, ['abcd'])), now)).toThrow(
    /^revoked by its authority: certificate of "CN=db1" with serial ABCD, SHA-256 [0-9a-f]{64}$/,
  );
});

test('nobody stands without a certificate', () => {
  const root = mint('root', { kind: 'ec', ca: true });
  expect(() => checkStanding([], trust([root]), now)).toThrow(expect.objectContaining({ reason: 'no_cert' }));
});

test('that a certificate has stood before says nothing of later, when it has ended', () => {
  const root = mint('root', { kind: 'ec', ca: true });
  const db1 = mint('db1', { kind: 'ec', issuer: root });
  const trusted = trust([root]);
  const end = Date.parse(new X509Certificate(db1.cert).validTo);
  expect(() => checkStanding(chain(db1), trusted, end - 1)).not.toThrow();
  expect(() => checkStanding(chain(db1), trusted, end)).toThrow(
    expect.objectContaining({ reason: 'expired_cert' }),
  );
});

test('what was found under one reading of the files is not taken for true under the next', () => {
  const root = mint('root', { kind: 'ec', ca: true });
  const sameName = mint('root', { kind: 'ec', ca: true });
  const db1 = mint('db1', { kind: 'ec', issuer: root, serial: '05' });
  expect(() => checkStanding(chain(db1), trust([root]), now)).not.toThrow();
  expect(() => checkStanding(chain(db1), trust([root], mintCrl(root, ['05'])), now)).toThrow(
    expect.objectContaining({ reason: 'revoked_cert' }),
  );
  expect(() => checkStanding(chain(db1), trust([sameName]), now)).toThrow(
    expect.objectContaining({ reason: 'unknown_ca' }),
  );
});

test('an issuer that somebody else presented does not stand behind a certificate that comes without it', () => {
  const root = mint('root', { kind: 'ec', ca: true });
  const intermediate = mint('intermediate', { kind: 'ec', ca: true, issuer: root });
  const db1 = mint('db1', { kind: 'ec', issuer: intermediate });
  const trusted = trust([root]);
  expect(() => checkStanding(chain(db1, intermediate), trusted, now)).not.toThrow();
  expect(() => checkStanding(chain(db1), trusted, now)).toThrow(
    expect.objectContaining({ reason: 'unknown_ca' }),
  );
});
