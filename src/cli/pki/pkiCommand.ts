import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { fileOfFingerprint, inventory } from '../../pki/inventory.ts';
import { renewCrl, revoke, type CrlRenewal } from '../../pki/revocation.ts';
import { initStore, issueInto } from '../../pki/store.ts';
import { terminal } from '../terminal/terminal.ts';
import { audited } from './pkiAudit.ts';
import { endingSoon, pkiListing, pkiTable } from './pkiListing.ts';
import { usagesOf } from './usages.ts';

const DEFAULT_DIR = 'certs';
/** Of 32 bytes; a serial number has no more than 20 (RFC 5280 §4.1.2.2). */
const FINGERPRINT = /^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i;

export function pkiCommand() {
  return new Command('pki')
    .description('a small certificate authority for gateways and stubs')
    .addCommand(initCommand())
    .addCommand(issueCommand())
    .addCommand(revokeCommand())
    .addCommand(renewCrlCommand())
    .addCommand(listCommand());
}

function initCommand() {
  return new Command('init')
    .description('make an authority and an empty revocation list')
    .option('-d, --dir <dir>', 'where the files go', DEFAULT_DIR)
    .option('--common-name <name>', "the authority's name", 'sangate CA')
    .option('--days <n>', 'validity of the authority', days, 3650)
    .option(
      '--crl-days <n>',
      'validity of the revocation list: after that every client is refused',
      days,
      3650,
    )
    .action(async ({ dir, commonName, days, crlDays }) => {
      const { caFile, caKeyFile, crlFile } = await audited(
        { action: 'pki-init', dir, message: `an authority named ${commonName}, for ${days} days` },
        () => initStore(dir, { commonName, days, crlDays }),
        async (files) => ({ file: files.caFile, serial: await serialOf(files.caFile) }),
      );
      terminal.result(`${caFile}\n${caKeyFile}\n${crlFile}`);
      terminal.note(`Keep ${caKeyFile} offline: whoever has it can be whoever this authority vouches for.`);
    });
}

function issueCommand() {
  return new Command('issue')
    .description('issue a certificate and its key')
    .argument('<name>', 'file name without ending, and the common name unless --common-name')
    .option('-d, --dir <dir>', 'where the authority is and the files go', DEFAULT_DIR)
    .option('--server', 'for a gateway')
    .option('--client', 'for a stub')
    .option('--common-name <name>', 'subject')
    .option('--dns <name...>', 'DNS names')
    .option('--ip <address...>', 'IP addresses')
    .option('--uri <uri...>', 'URIs, e.g. spiffe://example.org/db1')
    .option('--days <n>', 'validity', days, 825)
    .option('--force', 'replace files of that name')
    .action(async (name, { dir, server, client, commonName, dns, ip, uri, days, force }, command) => {
      if ((server === true) === (client === true)) command.error('error: say either --server or --client');
      const usage = server === true ? 'server' : 'client';
      const names = [commonName ?? name, ...(dns ?? []), ...(ip ?? []), ...(uri ?? [])].join(', ');
      const { certFile, keyFile } = await audited(
        { action: 'pki-issue', dir, message: `a ${usage} certificate for ${names}, for ${days} days` },
        () =>
          issueInto(dir, name, {
            usage,
            days,
            ...(commonName && { commonName }),
            ...(dns && { dns }),
            ...(ip && { ip }),
            ...(uri && { uri }),
            ...(force && { force }),
          }),
        async (files) => ({ file: files.certFile, serial: await serialOf(files.certFile) }),
      );
      terminal.result(`${certFile}\n${keyFile}`);
    });
}

function revokeCommand() {
  return new Command('revoke')
    .description('put a certificate on the revocation list')
    .argument(
      '<which>',
      'name in the directory, certificate file, serial number in hex, or SHA-256 fingerprint',
    )
    .option('-d, --dir <dir>', 'where the authority and its list are', DEFAULT_DIR)
    .option('--crl-days <n>', 'validity of the new list; as long as that of the old one unless told', days)
    .action(async (which, { dir, crlDays }) => {
      const done = await audited(
        { action: 'pki-revoke', dir, message: `the certificate ${which}` },
        async () => {
          const what = FINGERPRINT.test(which) ? await fileOfFingerprint(dir, which) : which;
          return revoke(dir, what, crlDays === undefined ? {} : { crlDays });
        },
        ({ crlFile, serial, renewal }) => ({
          file: crlFile,
          serial,
          ...(!renewal && { message: `the certificate ${which}, which was revoked already` }),
        }),
      );
      terminal.result(done.crlFile);
      const { serial, certificate, renewal } = done;
      if (certificate === undefined) {
        terminal.warning(`serial number ${serial} is taken as it is given, without a certificate to compare`);
      }
      const what = certificate === undefined ? serial : `${which} (serial number ${serial})`;
      const usages = certificate && usagesOf(certificate);
      if (renewal === undefined) {
        const since = done.revokedAt.toISOString();
        terminal.note(`${what} was revoked already, at ${since}: the list stays as it is.`);
      } else {
        const holds = (usages?.includes('client') ?? true) ? `\n${whenItHolds(renewal)}` : '';
        terminal.note(`${what} is revoked. ${describe(renewal)}${holds}`);
      }
      if (usages === undefined) terminal.warning(`If it is that of a gateway, ${GATEWAY_STAYS_GOOD}`);
      else if (usages.includes('server')) terminal.warning(GATEWAY_STAYS_GOOD);
    });
}

/** A list would have to be at every stub in time. */
const GATEWAY_STAYS_GOOD =
  "stubs look at no revocation list, and take this certificate for the gateway's until it ends. If its key was\n" +
  'stolen, that needs a new authority: new certificates for gateways and stubs, and a new `ca` at each stub.';

function renewCrlCommand() {
  return new Command('renew-crl')
    .description('sign the revocation list anew before it ends: same entries, later dates')
    .option('-d, --dir <dir>', 'where the authority and its list are', DEFAULT_DIR)
    .option('--crl-days <n>', 'validity; as long as that of the old one unless told', days)
    .action(async ({ dir, crlDays }) => {
      const renewal = await audited(
        { action: 'pki-renew-crl', dir, message: 'the revocation list' },
        () => renewCrl(dir, crlDays === undefined ? {} : { crlDays }),
        ({ crlFile, number, nextUpdate }) => ({
          file: crlFile,
          message: `revocation list ${number}, until ${nextUpdate.toISOString()}`,
        }),
      );
      terminal.result(renewal.crlFile);
      terminal.note(`${describe(renewal)}\n${whenItHolds(renewal)}`);
      const now = new Date();
      for (const warning of endingSoon(pkiListing(await inventory(dir), now), now)) terminal.warning(warning);
    });
}

function listCommand() {
  return new Command('list')
    .description('the certificates of a directory, and which are revoked')
    .option('-d, --dir <dir>', 'where the authority, its list and the certificates are', DEFAULT_DIR)
    .option('--json', 'for programs')
    .action(async ({ dir, json }) => {
      const listing = pkiListing(await inventory(dir), new Date());
      terminal.result(json === true ? JSON.stringify(listing, null, 2) : pkiTable(listing));
    });
}

function describe({ number, nextUpdate }: CrlRenewal): string {
  return `Revocation list ${number} is valid until ${nextUpdate.toISOString().slice(0, 10)}.`;
}

function whenItHolds({ crlFile }: CrlRenewal): string {
  return (
    `It holds once ${crlFile} is at the gateway in place of the old one: the gateway reads it by itself,\n` +
    'or on SIGHUP where its configuration has `watch: false`.'
  );
}

async function serialOf(certFile: string): Promise<string> {
  return new X509Certificate(await readFile(certFile)).serialNumber;
}

function days(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 36500) return number;
  throw new InvalidArgumentError('a whole number of days from 1 to 36500');
}
