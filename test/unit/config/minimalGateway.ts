import { expect } from 'vitest';
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

/** A mistake in the minimal configuration, and what must be said of it. */
export type Case = [
  name: string,
  edits: Readonly<Record<number, string>>,
  expected: { readonly at: string; readonly path: string; readonly message: RegExp; readonly hint: RegExp },
  secrets?: Readonly<Record<string, string>>,
];

export function expectProblem(edits: Case[1], { at, path, message, hint }: Case[2], secrets: Case[3]): void {
  const problems = problemsOf(minimalGateway(edits), secrets);
  const problem = problems.find((found) => found.path === path && message.test(found.message));
  expect(problem, JSON.stringify(problems, null, 1)).toBeDefined();
  expect(`${problem!.line}:${problem!.column}`).toBe(at);
  expect(problem!.hint).toMatch(hint);
}
