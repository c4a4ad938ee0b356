import { Failure } from '../failures.ts';
import type { ChunkReader } from './chunkReader.ts';
import { mayBeProxyHeader, readProxyHeader, type ProxyHeader } from './proxyHeader.ts';

/**
 * Reads the PROXY header with which a connection may begin and leaves everything behind it unread.
 *
 * @returns undefined without a header: the connection speaks iSCSI from its first byte
 * @throws Failure `proxy_header` or `peer_closed`
 */
export async function readPreamble(chunks: ChunkReader): Promise<ProxyHeader | undefined> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const chunk = await chunks.next();
    if (chunk === undefined)
      throw new Failure('peer_closed', 'the peer closed before it sent anything whole');
    bytes = Buffer.concat([bytes, chunk]);
    if (!mayBeProxyHeader(bytes[0]!)) {
      chunks.unread(bytes);
      return undefined;
    }
    const read = readProxyHeader(bytes);
    if (read.kind === 'malformed') throw new Failure('proxy_header', `a malformed PROXY header: ${read.why}`);
    if (read.kind === 'header') {
      chunks.unread(bytes.subarray(read.length));
      return read.header;
    }
  }
}
