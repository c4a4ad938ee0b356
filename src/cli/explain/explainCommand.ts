import { X509Certificate } from 'node:crypto';
import { Command } from '@commander-js/extra-typings';
import { loadGatewayConfigWithoutSecrets } from '../../config/gatewayConfig.ts';
import { ValueError } from '../../config/problem.ts';
import { explain, type Explanation } from '../../explain/explanation.ts';
import { readQuestion, type WrittenQuestion } from '../../explain/readQuestion.ts';
import { printableJson } from '../../telemetry/printable.ts';
import { CredentialsError } from '../../tls/credentialsError.ts';
import { readPemFile } from '../../tls/pemFile.ts';
import { askToExplain } from '../admin/adminClient.ts';
import { ADMIN_OPTIONS, adminPeer, type AdminFlags } from '../admin/adminOptions.ts';
import { ExitCode } from '../terminal/exitCode.ts';
import { terminal } from '../terminal/terminal.ts';
import { explanationText } from './explanationText.ts';

export function explainCommand() {
  return new Command('explain')
    .description("say what a gateway's rules allow somebody, by which line, and what a denied one hears")
    .option('-c, --config <file>', 'by the rules of this configuration; its secrets are not read')
    .option('--admin <address>', 'by the rules in force at the gateway that has its admin listener there')
    .option(...ADMIN_OPTIONS.cert)
    .option(...ADMIN_OPTIONS.key)
    .option(...ADMIN_OPTIONS.ca)
    .option(...ADMIN_OPTIONS.serverName)
    .requiredOption('-i, --initiator <name>', 'entry under initiators, or an initiator name (iqn, eui, naa)')
    .option('--certificate <file>', 'its certificate, PEM (default: one that fits is assumed)')
    .option('--from <address>', 'where its tunnel comes from (default: one that fits is assumed)')
    .option('-t, --target <name>', 'the target (default: all that it may do)')
    .option('-l, --lun <number>', 'the logical unit, with --target')
    .option('--command <opcode>', 'hex (2a, 9e/10) or name (WRITE(10), unmap), with --lun')
    .option('--json', 'for programs')
    .action(async ({ initiator, certificate, from, target, lun, command, json, ...flags }) => {
      const explanation = await answer(flags, {
        initiator,
        certificate: certificate === undefined ? undefined : await readCertificate(certificate),
        from,
        target,
        lun,
        command,
      });
      terminal.result(json === true ? printableJson(explanation) : explanationText(explanation));
      if (explanation.verdict === 'denied') process.exitCode = ExitCode.denied;
    });
}

/** @throws ValueError, ConfigError, CredentialsError; Error that says why the gateway does not answer */
async function answer({ config, ...flags }: AdminFlags, question: WrittenQuestion): Promise<Explanation> {
  const { admin, cert, key, ca, serverName } = flags;
  if ((config === undefined) === (admin === undefined)) {
    throw new ValueError(
      'the rules are those of a file or those in force at a running gateway',
      'give one of --config and --admin',
    );
  }
  if (config === undefined) return askToExplain(await adminPeer(flags), question);
  if ([cert, key, ca, serverName].some((flag) => flag !== undefined)) {
    throw new ValueError(
      '--cert, --key, --ca and --server-name are for a running gateway, and a file is asked',
      'give --admin in place of --config, or leave them out',
    );
  }
  const { initiators } = loadGatewayConfigWithoutSecrets(config).config;
  return explain(initiators, readQuestion(initiators, question));
}

/** @throws CredentialsError */
async function readCertificate(file: string): Promise<X509Certificate> {
  const [first] = await readPemFile(file, /^CERTIFICATE$/, 'certificate');
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(first!);
  } catch (cause) {
    throw new CredentialsError(file, 'the certificate in it is damaged: copy the file again', { cause });
  }
  if (Date.parse(certificate.validTo) < Date.now()) {
    terminal.warning(
      `${file}: this certificate ended on ${certificate.validTo}: TLS refuses it (expired_cert)`,
    );
  }
  return certificate;
}
