import type { IncomingMessage } from 'node:http';
import { isIPv4, type AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { certificateIdentity } from '../tls/certificateIdentity.ts';

/**
 * What a listener's requests have proved by having come to it: `socket` that they may open a unix socket's file, `loopback`
 * that they come from this machine, `tls` that they have a certificate of an operator, `open` nothing.
 */
export type Access = 'socket' | 'loopback' | 'tls' | 'open';

/** @param address where the server listens, as the kernel says: a name in the configuration may stand for anything */
export function accessAt(address: AddressInfo | string, hasTls: boolean): Access {
  if (typeof address === 'string') return 'socket';
  if (hasTls) return 'tls';
  return address.address === '::1' || isLoopbackIPv4(address.address) ? 'loopback' : 'open';
}

/**
 * Why nothing at all is served to a request. A web page can reach loopback through the browser of this machine, under a name of
 * its own that it lets point there (DNS rebinding); the browser then says that name in Host.
 */
export function refusal({ headers, socket }: IncomingMessage, access: Access): string | undefined {
  if (access === 'tls' && !(socket as TLSSocket).authorized) return 'a client certificate is needed';
  if (access !== 'loopback' || headers.host === undefined || isLoopbackHost(headers.host)) return undefined;
  return 'this listener is for 127.0.0.1, [::1] and localhost: dial it under one of these names';
}

/**
 * Why a request may not see or end sessions, nor ask about rules. Browsers tell with these headers that a page asks, not a person.
 */
export function controlRefusal({ headers }: IncomingMessage, access: Access): string | undefined {
  if (access === 'open') {
    return (
      'sessions and rules are not shown over plain HTTP beyond this machine: ' +
      'set admin.tls, or let admin.address be 127.0.0.1:9260 or unix:/run/sangate/admin.sock'
    );
  }
  const site = headers['sec-fetch-site'];
  if (headers.origin === undefined && (site === undefined || site === 'none')) return undefined;
  return 'web pages have no access to sessions and rules: ask with sangate or curl';
}

/**
 * The same of the status page and what is on it, which are made for browsers: the page may ask for more of its own. A browser comes to
 * a unix socket through a forwarded port, so there too it must be under a name that no other page can have.
 */
export function statusRefusal(request: IncomingMessage, access: Access): string | undefined {
  const { host, origin, 'sec-fetch-site': site } = request.headers;
  if (access === 'socket' && host !== undefined && !isLoopbackHost(host)) {
    return 'the status page behind a unix socket is at 127.0.0.1, [::1] or localhost: forward a port of one of these';
  }
  if (access !== 'open' && site === 'same-origin' && origin === undefined) return undefined;
  const refused = controlRefusal(request, access);
  if (refused === undefined || access === 'open') return refused;
  return 'other web pages have no access to the status page, and do not lead here: type its address';
}

/** Who asks, for the log. @throws Failure if the certificate cannot be read */
export function operatorOf({ socket }: IncomingMessage, access: Access): string {
  if (access === 'socket') return 'unix socket';
  const certificate = access === 'tls' ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
  if (certificate === undefined) return socket.remoteAddress ?? 'unknown address';
  const { uri, dns, cn, sha256 } = certificateIdentity(certificate);
  return `${uri[0] ?? dns[0] ?? cn ?? sha256} at ${socket.remoteAddress}`;
}

function isLoopbackHost(host: string): boolean {
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host)?.[1]?.toLowerCase() ?? '';
  return name === 'localhost' || name === '[::1]' || isLoopbackIPv4(name);
}

const isLoopbackIPv4 = (address: string): boolean => isIPv4(address) && address.startsWith('127.');
