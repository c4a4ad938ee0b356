import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { didYouMean } from '../config/didYouMean.ts';
import { loadGatewayConfigWithoutSecrets } from '../config/gatewayConfig.ts';
import { quote, ValueError } from '../config/problem.ts';
import { parseName } from '../config/targetPattern.ts';
import type { InitiatorRule } from '../policy/rules.ts';
import type { CertificateIdentity } from '../policy/subject.ts';
import { CredentialsError } from '../tls/credentialsError.ts';
import { certificateIdentity } from '../tls/identity.ts';
import { readPemFile } from '../tls/pemFile.ts';
import { ExitCode } from './exitCode.ts';
import { explain } from './explain/explanation.ts';
import { explanationText } from './explain/explanationText.ts';
import { parseRequest } from './explain/parseRequest.ts';
import { terminal } from './terminal.ts';

export function explainCommand() {
  return new Command('explain')
    .description("say what a gateway's rules allow somebody, by which line, and what a denied one hears")
    .requiredOption('-c, --config <file>', 'configuration of the gateway; its secrets are not read')
    .requiredOption('-i, --initiator <name>', 'entry under initiators, or an initiator name (iqn, eui, naa)')
    .option('--certificate <file>', 'its certificate, PEM (default: one that fits is assumed)')
    .option('--from <address>', 'where its tunnel comes from (default: one that fits is assumed)', address)
    .option('-t, --target <name>', 'the target (default: all that it may do)')
    .option('-l, --lun <number>', 'the logical unit, with --target', lun)
    .option('--command <opcode>', 'hex (2a, 9e/10) or name (WRITE(10), unmap), with --lun')
    .option('--json', 'for programs')
    .action(async (options, command) => {
      if (options.lun !== undefined && options.target === undefined) {
        command.error('error: --lun is asked about on a target: say --target too');
      }
      if (options.command !== undefined && options.lun === undefined) {
        command.error('error: a command goes to a logical unit: say --lun too');
      }
      const { initiators } = loadGatewayConfigWithoutSecrets(options.config).config;
      const explanation = explain(initiators, {
        subject: {
          initiatorName: initiatorName(initiators, options.initiator),
          certificate:
            options.certificate === undefined ? undefined : await readIdentity(options.certificate),
          address: options.from,
        },
        target: options.target === undefined ? undefined : parseName(options.target),
        lun: options.lun,
        request: options.command === undefined ? undefined : parseRequest(options.command),
      });
      terminal.result(
        options.json === true ? JSON.stringify(explanation, null, 2) : explanationText(explanation),
      );
      if (explanation.verdict === 'denied') process.exitCode = ExitCode.denied;
    });
}

/** @throws ValueError if it is neither an entry of this configuration nor an iSCSI name */
function initiatorName(initiators: readonly InitiatorRule[], text: string): string {
  const entry = initiators.find(({ id }) => id === text);
  if (entry !== undefined) return entry.iqn;
  if (/^(?:iqn|eui|naa)\./i.test(text)) return parseName(text);
  const names = initiators.map(({ id }) => id);
  const meant = didYouMean(text, names);
  throw new ValueError(
    `there is no entry ${quote(text)} under initiators`,
    meant === undefined ? `there are: ${names.join(', ')}` : `did you mean ${meant}?`,
  );
}

/** @throws CredentialsError; Failure `bad_cert` */
async function readIdentity(file: string): Promise<CertificateIdentity> {
  const [first] = await readPemFile(file, /^CERTIFICATE$/, 'certificate');
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(first!);
  } catch (cause) {
    throw new CredentialsError(file, 'the certificate in it is damaged: copy the file again', { cause });
  }
  const identity = certificateIdentity(certificate);
  if (identity.notAfter < Date.now()) {
    terminal.warning(
      `${file}: this certificate ended on ${certificate.validTo}: TLS refuses it (expired_cert)`,
    );
  }
  return identity;
}

function address(text: string): string {
  if (isIP(text) !== 0 && !text.includes('%')) return text;
  throw new InvalidArgumentError('Write an IP address, without port, range and zone.');
}

function lun(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 16384) return Number(text);
  throw new InvalidArgumentError('Write a whole number from 0 to 16383.');
}
