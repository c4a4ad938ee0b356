import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Failure } from '../../src/failures.ts';
import { loadGatewayCredentials, type GatewayCredentials } from '../../src/tls/credentials.ts';
import { admitTls, gatewayTlsOptions } from '../../src/tls/gate.ts';
import { endOfChain, peerCertificate, peerChain, type PeerChain } from '../../src/tls/peerChain.ts';
import { checkStanding } from '../../src/tls/standing.ts';
import { daysAgo } from '../support/certificates.ts';
import { mint, mintCrl, newKey, type Contents, type KeyKind, type Minted } from '../support/minting.ts';
import { temporaryDirectory } from '../support/temporaryDirectory.ts';

/** What stands in a gateway's `clientCa` and `crl`, PEM; no `crl`: none is configured. */
interface Files {
  readonly ca: readonly string[];
  readonly crl?: readonly string[];
}

/** A client and all above it. */
interface Line {
  readonly root: Minted;
  readonly intermediate: Minted;
  readonly client: Minted;
}

type Differing = Partial<Record<keyof Line, Partial<Contents>>>;

function line(kind: KeyKind, differing: Differing = {}): Line {
  const key = (of: keyof Line) => keyOf(kind, of);
  const root = mint('root', { kind, ca: true, key: key('root'), ...differing.root });
  const above = { kind, ca: true, issuer: root, key: key('intermediate') };
  const intermediate = mint('intermediate', { ...above, ...differing.intermediate });
  const own = { kind, issuer: intermediate, key: key('client') };
  return { root, intermediate, client: mint('db1', { ...own, ...differing.client }) };
}

/** An authority that is not in the line, with a key of its own. */
const otherAuthority = (kind: KeyKind, name = 'other'): Minted =>
  mint(name, { kind, ca: true, key: keyOf(kind, 'other') });

const keys = new Map<string, string>();

/** One for all tests, for RSA keys take long to make. */
function keyOf(kind: KeyKind, holder: string): string {
  const key = keys.get(`${kind} ${holder}`) ?? newKey(kind);
  keys.set(`${kind} ${holder}`, key);
  return key;
}

const serialOf = ({ cert }: Minted): string => new X509Certificate(cert).serialNumber;

/** Everything as it should be, with the certificates of `revoked` on the lists. */
function files({ root, intermediate }: Line, ...revoked: Minted[]): Files {
  const serials = revoked.map(serialOf);
  return { ca: [root.cert], crl: [mintCrl(root, serials), mintCrl(intermediate, serials)] };
}

async function load({ ca, crl }: Files): Promise<GatewayCredentials> {
  const directory = await temporaryDirectory();
  const file = (name: string): string => path.join(directory, name);
  const server = mint('gateway', { kind: 'ec' });
  await writeFile(file('cert'), server.cert);
  await writeFile(file('key'), server.key, { mode: 0o600 });
  await writeFile(file('ca'), ca.join(''));
  if (crl) await writeFile(file('crl'), crl.join(''));
  const paths = { cert: file('cert'), key: file('key'), clientCa: file('ca') };
  return loadGatewayCredentials(crl ? { ...paths, crl: file('crl') } : paths);
}

/** The reason of a refusal, or COMES_IN. */
type Verdict = string;

const COMES_IN = 'comes in';

const verdict = (decide: () => unknown): Verdict => {
  try {
    decide();
    return COMES_IN;
  } catch (error) {
    return Failure.from(error).reason;
  }
};

/** Lets OpenSSL judge: a real handshake with these credentials. Gives what the peer presented as well. */
async function handshake(
  credentials: GatewayCredentials,
  client: Minted,
  along: readonly Minted[],
): Promise<{ verdict: Verdict; chain: PeerChain; peer: TLSSocket }> {
  const server = createServer(gatewayTlsOptions(credentials));
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cert = [client, ...along].map((one) => one.cert).join('');
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, cert, key: client.key });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  const [peer] = (await once(server, 'secureConnection')) as Parameters<typeof admitTls>;
  onTestFinished(() => void peer.destroy());
  return { verdict: verdict(() => admitTls(peer)), chain: peerChain(peer), peer };
}

/** What a session hears that is up with this chain. */
async function standing(chain: PeerChain, files: Files, now = Date.now()): Promise<Verdict> {
  const credentials = await load(files);
  return verdict(() => checkStanding(chain, credentials, now));
}

const past = { notBefore: daysAgo(9), notAfter: daysAgo(1) };
const future = { notBefore: daysAgo(-1) };

interface Case {
  readonly differing?: Differing;
  /** Sent along with the client's own certificate; the intermediate unless told. */
  readonly along?: (line: Line) => Minted[];
  readonly files?: (line: Line, kind: KeyKind) => Files;
  readonly verdict: Verdict;
}

const cases: Record<string, Case> = {
  'that nothing is wrong with': { verdict: COMES_IN },
  'that is revoked': { files: (l) => files(l, l.client), verdict: 'revoked_cert' },
  'of an intermediate that is revoked': { files: (l) => files(l, l.intermediate), verdict: 'revoked_cert' },
  'of an authority that revoked itself': { files: (l) => files(l, l.root), verdict: 'revoked_cert' },
  'that is revoked, where no CRL is configured': {
    files: ({ root }) => ({ ca: [root.cert] }),
    verdict: COMES_IN,
  },
  'that is revoked by a serial number with a high bit': {
    differing: { client: { serial: 'ff01' } },
    files: (l) => files(l, l.client),
    verdict: 'revoked_cert',
  },
  'that has expired': { differing: { client: past }, verdict: 'expired_cert' },
  'of an intermediate that has expired': { differing: { intermediate: past }, verdict: 'expired_cert' },
  'of an authority that has expired': { differing: { root: past }, verdict: 'expired_cert' },
  'that is not valid yet': { differing: { client: future }, verdict: 'bad_cert' },
  'of an authority in whose place another is': {
    files: (l, kind) => files({ ...l, root: otherAuthority(kind) }),
    verdict: 'unknown_ca',
  },
  'of an authority in whose place another of its name is': {
    files: (l, kind) => files({ ...l, root: otherAuthority(kind, 'root') }),
    verdict: 'unknown_ca',
  },
  'of an authority that was renamed and kept its key': {
    files: (l, kind) => files({ ...l, root: mint('other', { kind, ca: true, key: l.root.key }) }),
    verdict: 'unknown_ca',
  },
  'of an authority that was renewed with its key': {
    files: (l, kind) => files({ ...l, root: mint('root', { kind, ca: true, key: l.root.key }) }),
    verdict: COMES_IN,
  },
  'of an authority beside one that revoked the same serial numbers': {
    files: (l, kind) => {
      const other = otherAuthority(kind);
      const { ca, crl } = files(l);
      const serials = [serialOf(l.client), serialOf(l.intermediate)];
      return { ca: [...ca, other.cert], crl: [mintCrl(other, serials), ...crl!] };
    },
    verdict: COMES_IN,
  },
  'whose number the root revoked, which is not its issuer': {
    files: (l) => ({
      ...files(l),
      crl: [mintCrl(l.root, [serialOf(l.client)]), mintCrl(l.intermediate, [])],
    }),
    verdict: COMES_IN,
  },
  'of an intermediate that nobody has': { along: () => [], verdict: 'unknown_ca' },
  "of an intermediate that is in the gateway's file": {
    along: () => [],
    files: (l) => ({ ...files(l), ca: [l.root.cert, l.intermediate.cert] }),
    verdict: COMES_IN,
  },
  'of an intermediate whose own authority is not there': {
    files: ({ intermediate }) => ({ ca: [intermediate.cert] }),
    verdict: 'unknown_ca',
  },
  'that came with its whole chain in disorder and with a stranger': {
    along: (l) => [l.root, mint('stranger', { kind: 'ec', ca: true }), l.intermediate],
    verdict: COMES_IN,
  },
  "that came with a stranger of its authority's name": {
    along: (l) => [l.intermediate, mint('intermediate', { kind: 'ec', ca: true })],
    verdict: COMES_IN,
  },
};

describe.each(['rsa', 'rsa-pss', 'ec', 'ed25519'] as const)('with keys of kind %s', (kind) => {
  test.each(Object.entries(cases))(
    'a session stands as a handshake would: a certificate %s',
    async (_, one) => {
      const made = line(kind, one.differing);
      const installed = one.files?.(made, kind) ?? files(made);
      const { verdict, chain } = await handshake(
        await load(installed),
        made.client,
        one.along?.(made) ?? [made.intermediate],
      );
      expect(verdict, 'the handshake').toBe(one.verdict);
      expect(await standing(chain, installed), 'the session').toBe(one.verdict);
    },
  );
});

test('a CRL that has expired refuses who comes and lets those stand who are there', async () => {
  const made = line('ec');
  const crl = [
    mintCrl(made.root, [], { now: daysAgo(60) }),
    mintCrl(made.intermediate, [], { now: daysAgo(60) }),
  ];
  const expired = { ...files(made), crl };
  const { verdict, chain } = await handshake(await load(expired), made.client, [made.intermediate]);
  expect(verdict).toBe('bad_cert');
  expect(await standing(chain, expired)).toBe(COMES_IN);
});

test('who is on a CRL does not stand, though it has expired', async () => {
  const made = line('ec');
  const crl = [mintCrl(made.intermediate, [serialOf(made.client)], { now: daysAgo(60) })];
  const { chain } = await handshake(await load(files(made)), made.client, [made.intermediate]);
  expect(await standing(chain, { ...files(made), crl })).toBe('revoked_cert');
});

test('an authority without a CRL refuses who comes and lets those stand who are there', async () => {
  const made = line('ec');
  const uncovered = { ...files(made), crl: [mintCrl(made.root, [])] };
  const { verdict, chain } = await handshake(await load(uncovered), made.client, [made.intermediate]);
  expect(verdict).toBe('unknown_ca');
  expect(await standing(chain, uncovered)).toBe(COMES_IN);
});

test('a session stands until the second in which its certificate ends', async () => {
  const made = line('ec');
  const { chain } = await handshake(await load(files(made)), made.client, [made.intermediate]);
  const end = Date.parse(new X509Certificate(made.client.cert).validTo);
  expect(await standing(chain, files(made), end - 1)).toBe(COMES_IN);
  expect(await standing(chain, files(made), end)).toBe('expired_cert');
});

test('what a peer presented is told as often as it is asked for', async () => {
  const made = line('ec');
  const along = [made.intermediate, made.root];
  const { chain, peer } = await handshake(await load(files(made)), made.client, along);
  const der = [made.client, made.intermediate, made.root].map(({ cert }) => new X509Certificate(cert).raw);
  expect(chain).toEqual(der);
  expect(peerCertificate(peer)?.raw).toEqual(der[0]);
  expect(peerChain(peer)).toEqual(der);
});

test('what a peer presented ends with the first of its certificates, whichever that is', async () => {
  const made = line('ec', { intermediate: { notAfter: daysAgo(-5) } });
  const { peer } = await handshake(await load(files(made)), made.client, [made.intermediate]);
  expect(endOfChain(peer)).toBe(Date.parse(new X509Certificate(made.intermediate.cert).validTo));
});
