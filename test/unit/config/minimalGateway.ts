import { parseGatewayConfig, type GatewayConfigResult } from '../../../src/config/gatewayConfig.ts';
import { ConfigError, type Problem } from '../../../src/config/problem.ts';

const LINES = `listen:
  - address: 0.0.0.0:3261
    tls: { cert: gw.crt, key: gw.key, clientCa: ca.crt }
backends:
  array1:
    portals: [10.0.0.5]
initiators:
  db1:
    iqn: iqn.1993-08.org.debian:01:db1
    certificate: { uri: "spiffe://example.org/db1" }
    from: [203.0.113.0/24]
    access: [{ target: "iqn.2001-05.com.equallogic:*" }]`.split('\n');

/** A valid gateway configuration of twelve lines; some of them, by number, replaced or added. */
export function minimalGateway(edits: Readonly<Record<number, string>> = {}): string {
  const lines = [...LINES];
  for (const [number, text] of Object.entries(edits)) lines[Number(number) - 1] = text;
  return lines.join('\n');
}

/** Parses with secrets from memory: a file's content by its name under /etc/sangate/, a variable by its name. */
export function parse(text: string, secrets: Readonly<Record<string, string>> = {}): GatewayConfigResult {
  return parseGatewayConfig(text, {
    file: '/etc/sangate/gateway.yaml',
    readSecretFile: (file) =>
      Buffer.from(secrets[file.replace('/etc/sangate/', '')] ?? 'a secret long enough'),
    env: secrets,
  });
}

export function problemsOf(text: string, secrets?: Readonly<Record<string, string>>): readonly Problem[] {
  try {
    parse(text, secrets);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
