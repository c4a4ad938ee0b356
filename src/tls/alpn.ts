/** The protocol's name in ALPN (RFC 7301): stub and gateway agree on it, so neither talks to something else. */
export const ALPN = 'sangate';
