import { parseDnsName } from './portal.ts';
import { quote, ValueError } from './problem.ts';

/** The DNS name that the certificate of a gateway must carry. @throws ValueError */
export function parseServerName(text: string): string {
  const name = parseDnsName(text);
  if (name !== undefined) return name;
  throw new ValueError(
    `${quote(text)} is not a DNS name`,
    'write the name in the certificate of the gateway: gw.example.org',
  );
}
