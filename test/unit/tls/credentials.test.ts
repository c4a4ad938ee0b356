import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { loadGatewayCredentials, loadStubCredentials } from '../../../src/tls/credentials.ts';
import { CredentialsError } from '../../../src/tls/credentialsError.ts';
import { daysAgo, saveTestPki, testPki } from '../../support/certificates.ts';
import { ecPki } from '../../support/ecCertificates.ts';
import { mint, mintCrl } from '../../support/minting.ts';
import { makePipe } from '../../support/namedPipe.ts';
import { temporaryDirectory } from '../../support/temporaryDirectory.ts';

const DAY = 86_400_000;

async function gatewayFiles() {
  const path = await saveTestPki(await temporaryDirectory());
  return {
    path,
    files: {
      cert: path('gateway.crt'),
      key: path('gateway.key'),
      clientCa: path('ca.crt'),
      crl: path('ca.crl'),
    },
  };
}

async function stubFiles() {
  const path = await saveTestPki(await temporaryDirectory());
  return { path, files: { cert: path('client.crt'), key: path('client.key'), ca: path('ca.crt') } };
}

async function written({ cert, key, cas }: { cert: string; key: string; cas: string }) {
  const directory = await temporaryDirectory();
  const files = { cert: `${directory}/own.crt`, key: `${directory}/own.key`, ca: `${directory}/ca.crt` };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key, { mode: 0o600 });
  await writeFile(files.ca, cas);
  return files;
}

async function refusalOf(loading: Promise<unknown>): Promise<CredentialsError> {
  const error = await loading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CredentialsError);
  return error as CredentialsError;
}

test("a gateway's files load without a warning and tell when they end", async () => {
  const { files } = await gatewayFiles();
  const pki = await testPki();
  const credentials = await loadGatewayCredentials(files);
  expect(credentials.cert.toString()).toBe(pki.gateway.cert + pki.ca);
  expect(credentials.warnings).toEqual([]);
  expect(Math.round((credentials.notAfter - Date.now()) / DAY)).toBe(30);
  expect(Math.round((credentials.crlNextUpdate! - Date.now()) / DAY)).toBe(30);
});

test('all authorities over a certificate that stands alone go with it, those who only have their name do not', async () => {
  const [top, impostor] = [mint('top', { kind: 'ec', ca: true }), mint('top', { kind: 'ec', ca: true })];
  const below = mint('below', { kind: 'ec', ca: true, issuer: top });
  const own = mint('db1', { kind: 'ec', issuer: below });
  const cas = [impostor, top, below].map(({ cert }) => cert).join('');
  const { cert } = await loadStubCredentials(await written({ ...own, cas }));
  expect(cert.toString()).toBe(own.cert + below.cert + top.cert);
});

test('a file that says itself what goes with its certificate is left as it is', async () => {
  const top = mint('top', { kind: 'ec', ca: true });
  const below = mint('below', { kind: 'ec', ca: true, issuer: top });
  const own = mint('db1', { kind: 'ec', issuer: below });
  const cert = own.cert + below.cert;
  const credentials = await loadStubCredentials(await written({ cert, key: own.key, cas: top.cert }));
  expect(credentials.cert.toString()).toBe(cert);
});

test('authorities that signed each other are sent once each', async () => {
  const [one, two] = [mint('one', { kind: 'ec', ca: true }), mint('two', { kind: 'ec', ca: true })];
  const oneByTwo = mint('one', { kind: 'ec', ca: true, key: one.key, issuer: two });
  const twoByOne = mint('two', { kind: 'ec', ca: true, key: two.key, issuer: one });
  const own = mint('db1', { kind: 'ec', issuer: one });
  const { cert } = await loadStubCredentials(await written({ ...own, cas: oneByTwo.cert + twoByOne.cert }));
  expect(cert.toString()).toBe(own.cert + oneByTwo.cert + twoByOne.cert);
});

test("a stub's files load without a warning", async () => {
  const { files } = await stubFiles();
  expect((await loadStubCredentials(files)).warnings).toEqual([]);
});

test('the key shows itself in no dump of the credentials', async () => {
  const { files } = await stubFiles();
  const credentials = await loadStubCredentials(files);
  const dumped = inspect(credentials, { depth: 9 }) + JSON.stringify(credentials);
  const key = Buffer.from(credentials.key.reveal());
  expect(key.toString()).toContain('PRIVATE KEY');
  expect(dumped).not.toContain('PRIVATE KEY');
  expect(dumped).not.toContain(key.subarray(100, 108).join(','));
});

test('a file that is not there is named, with what to do', async () => {
  const { files, path } = await gatewayFiles();
  const error = await refusalOf(loadGatewayCredentials({ ...files, crl: path('other.crl') }));
  expect(error.file).toBe(path('other.crl'));
  expect(error.message).toBe(
    `${path('other.crl')}: does not exist: check the path, or make certificates with \`sangate pki init\` and \`sangate pki issue\``,
  );
});

test('a directory in place of a file is refused', async () => {
  const { files, path } = await stubFiles();
  expect((await refusalOf(loadStubCredentials({ ...files, ca: path('.') }))).message).toContain(
    'is not a file',
  );
});

test.each(['cert', 'key', 'clientCa', 'crl'] as const)('%s that is not PEM is refused', async (field) => {
  const { files } = await gatewayFiles();
  await writeFile(files[field], 'not PEM');
  const error = await refusalOf(loadGatewayCredentials(files));
  expect(error.file).toBe(files[field]);
  expect(error.message).toContain('in PEM form');
});

test.each([
  ['cert', 'CERTIFICATE', 'certificate 1 in it is damaged'],
  ['key', 'PRIVATE KEY', 'cannot be read'],
  ['crl', 'X509 CRL', 'damaged CRL'],
] as const)('%s with rubbish in its PEM block is refused', async (field, label, message) => {
  const { files } = await gatewayFiles();
  await writeFile(files[field], `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`);
  const error = await refusalOf(loadGatewayCredentials(files));
  expect(error.file).toBe(files[field]);
  expect(error.message).toContain(message);
});

test('a key that belongs to another certificate is refused', async () => {
  const { files, path } = await stubFiles();
  const error = await refusalOf(loadStubCredentials({ ...files, key: path('gateway.key') }));
  expect(error.file).toBe(path('gateway.key'));
  expect(error.message).toContain(`does not belong to the first certificate in ${files.cert}`);
});

test.skipIf(process.platform === 'win32').each(['604', '644', '620', '660', '601'])(
  'a key with mode %s is refused with the chmod to type',
  async (mode) => {
    const { files } = await stubFiles();
    await chmod(files.key, Number.parseInt(mode, 8));
    const error = await refusalOf(loadStubCredentials(files));
    expect(error.message).toContain(`\`chmod 600 ${files.key}\``);
  },
);

test.skipIf(process.platform === 'win32').each(['600', '400', '640', '440'])(
  'a key with mode %s is taken: the group of a service may read it',
  async (mode) => {
    const { files } = await stubFiles();
    await chmod(files.key, Number.parseInt(mode, 8));
    await loadStubCredentials(files);
  },
);

test('an encrypted key is refused with the command that decrypts it', async () => {
  const { files } = await stubFiles();
  const { client } = await testPki();
  const encrypted = createPrivateKey(client.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  await writeFile(files.key, encrypted);
  expect((await refusalOf(loadStubCredentials(files))).message).toContain('openssl pkey');
});

test('an expired certificate of our own is refused', async () => {
  const { files, path } = await stubFiles();
  const error = await refusalOf(
    loadStubCredentials({ ...files, cert: path('expired.crt'), key: path('expired.key') }),
  );
  expect(error.file).toBe(path('expired.crt'));
  expect(error.message).toContain('expired at');
});

test("a client's certificate is refused for a gateway", async () => {
  const { files, path } = await gatewayFiles();
  const swapped = { ...files, cert: path('client.crt'), key: path('client.key') };
  expect((await refusalOf(loadGatewayCredentials(swapped))).message).toContain(
    'was not issued as a server certificate',
  );
});

test("a gateway's certificate is refused for a stub", async () => {
  const { files, path } = await stubFiles();
  const swapped = { ...files, cert: path('gateway.crt'), key: path('gateway.key') };
  expect((await refusalOf(loadStubCredentials(swapped))).message).toContain(
    'was not issued as a client certificate',
  );
});

test('a leaf in place of the authority is refused', async () => {
  const { files, path } = await gatewayFiles();
  const error = await refusalOf(loadGatewayCredentials({ ...files, clientCa: path('client.crt') }));
  expect(error.message).toContain('is no authority');
});

test('an expired CRL loads and says whom it shuts out, for it refuses everybody by itself', async () => {
  const { files } = await gatewayFiles();
  const { crlOf } = await testPki();
  await writeFile(files.crl, crlOf([], daysAgo(60)));
  const { shutOut, crl } = await loadGatewayCredentials(files);
  expect(crl).toHaveLength(1);
  expect(shutOut).toEqual([expect.stringMatching(/ca\.crl: the CRL of .* expired at/)]);
});

test('an expired list beside a newer one of its authority shuts nobody out, and is not the end that is told', async () => {
  const { files } = await gatewayFiles();
  const { crl, crlOf } = await testPki();
  await writeFile(files.crl, crlOf([], daysAgo(60)) + crl);
  const { shutOut, crlNextUpdate } = await loadGatewayCredentials(files);
  expect(shutOut).toEqual([]);
  expect(Math.round((crlNextUpdate! - Date.now()) / DAY)).toBe(30);
});

test('the end of a list that no authority has signed is not told', async () => {
  const { files } = await gatewayFiles();
  const { crl } = await testPki();
  const stranger = mint('CA', { kind: 'ec', ca: true });
  await writeFile(files.crl, mintCrl(stranger, []) + crl);
  const { crlNextUpdate, shutOut } = await loadGatewayCredentials(files);
  expect(shutOut).toEqual([]);
  expect(Math.round((crlNextUpdate! - Date.now()) / DAY)).toBe(30);
});

test.each([
  [13, 1],
  [15, 0],
])('of what ends in %i days there are %i warnings, of a certificate and of a list', async (days, count) => {
  const { files } = await gatewayFiles();
  const before = daysAgo(30 - days);
  const { issue, crlOf } = await testPki();
  await writeFile(files.crl, crlOf([], before));
  const { cert, key } = await issue({ usage: 'server', days: 30, now: before });
  await writeFile(files.cert, cert);
  await writeFile(files.key, key, { mode: 0o600 });
  const { warnings } = await loadGatewayCredentials(files);
  expect(warnings.filter((warning) => warning.includes('gateway.crt: ends at'))).toHaveLength(count);
  expect(warnings.filter((warning) => /ca\.crl: the CRL of .* ends at/.test(warning))).toHaveLength(count);
});

test('a gateway whose own certificate is on its list is warned that this keeps no stub away', async () => {
  const { files } = await gatewayFiles();
  const { crlOf, gateway, client } = await testPki();
  await writeFile(files.crl, crlOf([client.cert]));
  expect((await loadGatewayCredentials(files)).warnings).toEqual([]);
  await writeFile(files.crl, crlOf([gateway.cert]));
  expect((await loadGatewayCredentials(files)).warnings).toEqual([
    expect.stringMatching(
      /gateway\.crt: is on the revocation list .*ca\.crl, but whoever dials it looks at no list/,
    ),
  ]);
});

test('an own certificate with the number of one that another authority has revoked is no reason to warn', async () => {
  const { files } = await gatewayFiles();
  const pki = await testPki();
  const other = mint('other', { kind: 'ec', ca: true });
  const { serialNumber } = new X509Certificate(pki.gateway.cert);
  await writeFile(files.clientCa, pki.ca + other.cert);
  await writeFile(files.crl, pki.crl + mintCrl(other, [serialNumber]));
  expect((await loadGatewayCredentials(files)).warnings).toEqual([]);
});

test('an authority without a CRL of its own is shut out, and told as one that has ended', async () => {
  const { files } = await gatewayFiles();
  const pki = await testPki();
  await writeFile(files.clientCa, pki.ca + ecPki().ca);
  const { shutOut, crlNextUpdate } = await loadGatewayCredentials(files);
  expect(shutOut).toEqual([expect.stringContaining(`${files.crl}: no CRL in it is signed by`)]);
  expect(crlNextUpdate).toBe(0);
});

test('every CRL of a file is kept, each by itself', async () => {
  const { files } = await gatewayFiles();
  const { crl, crlOf } = await testPki();
  await writeFile(files.crl, `${crl}\nsome words\n${crlOf([])}`);
  expect((await loadGatewayCredentials(files)).crl).toHaveLength(2);
});

test('an EC key in the older form with its parameters loads', async () => {
  const { files } = await stubFiles();
  const { client } = ecPki();
  const sec1 = createPrivateKey(client.key).export({ type: 'sec1', format: 'pem' }).toString();
  await writeFile(files.cert, client.cert);
  await writeFile(
    files.key,
    `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`,
  );
  expect(Buffer.from((await loadStubCredentials(files)).key.reveal()).toString()).toBe(sec1);
});

test('a CRL that only OpenSSL sees to be damaged is refused', async () => {
  const { files } = await gatewayFiles();
  const { crl } = await testPki();
  const der = Buffer.from(crl.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  der[der.indexOf('551d14', 'hex') - 2] = 0x04; // the type of the CRL number's id
  await writeFile(files.crl, `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`);
  expect((await refusalOf(loadGatewayCredentials(files))).message).toContain('OpenSSL does not accept it');
});

const cut = (text: string, index: number): string => text.slice(0, index);

test.each([
  ['in the middle of a block', (second: string) => cut(second, 200)],
  ['before the last line', (second: string) => cut(second, second.indexOf('-----END'))],
  ['in the last line', (second: string) => cut(second, second.indexOf('-----END') + 12)],
  ['in the first line', (second: string) => cut(second, 8)],
  ['after one dash', (second: string) => cut(second, 1)],
  ['behind its first line', (second: string) => second.slice(second.indexOf('\n') + 1)],
  [
    'in its first line by one dash',
    (second: string) => second.replace('CERTIFICATE-----', 'CERTIFICATE----'),
  ],
])('a bundle whose second certificate is cut %s is refused as a whole', async (_, damage) => {
  const { files } = await gatewayFiles();
  const { ca } = await testPki();
  await writeFile(files.clientCa, ca + damage(ecPki().ca));
  const error = await refusalOf(loadGatewayCredentials(files));
  expect(error.file).toBe(files.clientCa);
  expect(error.message).toContain('is not whole');
});

test('a bundle whose first certificate is cut is refused, though another follows', async () => {
  const { files } = await gatewayFiles();
  const { ca } = await testPki();
  await writeFile(files.clientCa, cut(ca, 300) + ecPki().ca);
  expect((await refusalOf(loadGatewayCredentials(files))).message).toContain('is not whole');
});

test('words and rules between the blocks, and blocks without a line between them, are taken', async () => {
  const { files } = await gatewayFiles();
  const { ca } = await testPki();
  const text = `# ---------- ours ----------\n${ca.trimEnd()}${ecPki().ca}-- the end`;
  await writeFile(files.clientCa, `${text}\n`);
  expect((await loadGatewayCredentials(files)).authorities).toHaveLength(2);
});

test.runIf(process.platform !== 'win32')(
  'a named pipe is refused without waiting for its writer',
  async () => {
    const { files, path } = await gatewayFiles();
    makePipe(path('pipe'));
    const error = await refusalOf(loadGatewayCredentials({ ...files, crl: path('pipe') }));
    expect(error.message).toContain('is not a file');
  },
);
