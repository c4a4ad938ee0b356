import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { initStore, issueInto } from '../pki/store.ts';
import { terminal } from './terminal.ts';

const DEFAULT_DIR = 'certs';

export function pkiCommand() {
  return new Command('pki')
    .description('a small certificate authority for gateways and stubs')
    .addCommand(initCommand())
    .addCommand(issueCommand());
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
      const { caFile, caKeyFile, crlFile } = await initStore(dir, { commonName, days, crlDays });
      terminal.result(`${caFile}\n${caKeyFile}\n${crlFile}`);
      terminal.note(`Keep ${caKeyFile} offline: whoever has it can be any initiator.`);
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
      const { certFile, keyFile } = await issueInto(dir, name, {
        usage: server === true ? 'server' : 'client',
        days,
        ...(commonName && { commonName }),
        ...(dns && { dns }),
        ...(ip && { ip }),
        ...(uri && { uri }),
        ...(force && { force }),
      });
      terminal.result(`${certFile}\n${keyFile}`);
    });
}

function days(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 36500) return number;
  throw new InvalidArgumentError('a whole number of days from 1 to 36500');
}
