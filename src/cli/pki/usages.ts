import type { X509Certificate } from 'node:crypto';

/** What a certificate is for (RFC 5280 §4.2.1.12); one that does not say is for both. */
export function usagesOf({ keyUsage }: X509Certificate): ('server' | 'client')[] {
  const purposes = keyUsage as readonly string[] | undefined;
  const of = (oid: string): boolean => purposes === undefined || purposes.includes(oid);
  return [
    ...(of('1.3.6.1.5.5.7.3.1') ? (['server'] as const) : []),
    ...(of('1.3.6.1.5.5.7.3.2') ? (['client'] as const) : []),
  ];
}
