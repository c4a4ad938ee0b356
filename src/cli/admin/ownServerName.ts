import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { certificateIdentity } from '../../tls/certificateIdentity.ts';

/**
 * The name to expect of a listener that is dialled at this host and shows this certificate, where the two do not agree: who asks on the
 * gateway's own machine dials loopback, and a certificate seldom names that. The configuration that names the file is what says whom to
 * trust there.
 *
 * @returns undefined if the host itself is to be expected, or the certificate gives no other
 */
export async function ownServerName(certFile: string, host: string): Promise<string | undefined> {
  try {
    const certificate = new X509Certificate(await readFile(certFile));
    const hasName = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
    if (hasName !== undefined) return undefined;
    return certificateIdentity(certificate).dns.find((name) => !name.includes('*'));
  } catch {
    return undefined; // whoever may not read it says --server-name
  }
}
