import { Failure } from '../failures.ts';
import { opcodeAt } from '../iscsi/bhs.ts';
import { Opcode } from '../iscsi/opcode.ts';
import type { ChunkReader } from './chunkReader.ts';
import { mayBeProxyHeader, readProxyHeader, type ProxyHeader } from './proxyHeader.ts';

/**
 * Reads the PROXY header with which a connection may begin and leaves everything behind it unread. The next byte has to begin
 * a Login Request: a browser or an SSH client is told from an initiator at once, not when the time for a login is over.
 *
 * @returns undefined without a header
 * @throws Failure `proxy_header`, `not_iscsi` or `peer_closed`
 */
export async function readPreamble(chunks: ChunkReader): Promise<ProxyHeader | undefined> {
  const header = await readHeader(chunks);
  const first = await nextChunk(chunks);
  chunks.unread(first);
  if (opcodeAt(first, 0) !== Opcode.loginRequest) {
    const byte = first[0]!.toString(16).padStart(2, '0');
    throw new Failure('not_iscsi', `the peer begins with the byte ${byte}h, which is no Login Request's`);
  }
  return header;
}

async function readHeader(chunks: ChunkReader): Promise<ProxyHeader | undefined> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    bytes = Buffer.concat([bytes, await nextChunk(chunks)]);
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

async function nextChunk(chunks: ChunkReader): Promise<Buffer> {
  const chunk = await chunks.next();
  if (chunk !== undefined) return chunk;
  throw new Failure('peer_closed', 'the peer closed before it sent anything whole');
}
