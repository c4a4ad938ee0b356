import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PduKind } from '../../src/iscsi/layouts.ts';
import type { Digests } from '../../src/iscsi/pdu.ts';

const DIRECTORY = join(import.meta.dirname, '../vectors/pdus');

/** One PDU as a real peer sent it; see test/vectors/README.md. */
export interface VectorPdu {
  /** File and place in it, for the tests' names: `nop 2 nopIn`. */
  readonly title: string;
  readonly from: 'initiator' | 'target';
  readonly kind: PduKind;
  /** Every field of the header as text. */
  readonly expect: Readonly<Record<string, string>>;
  readonly dataLength: number;
  readonly text: readonly string[];
  readonly wire: Buffer;
  readonly digests: Digests;
}

export interface Conversation {
  readonly name: string;
  readonly digests: Digests;
  readonly pdus: readonly VectorPdu[];
}

export const conversations: readonly Conversation[] = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith('.txt'))
  .map((file) =>
    parseConversation(file.slice(0, -'.txt'.length), readFileSync(join(DIRECTORY, file), 'utf8')),
  );

export const vectorPdus: readonly VectorPdu[] = conversations.flatMap(({ pdus }) => pdus);

function parseConversation(file: string, content: string): Conversation {
  const [head, ...blocks] = content.trim().split('\n\n');
  const digests = { header: one(head!, 'digests') === 'header', data: false };
  const pdus = blocks.map((block, i): VectorPdu => {
    const kind = one(block, 'pdu') as PduKind;
    return {
      title: `${file} ${i + 1} ${kind}`,
      from: one(block, 'from') as 'initiator' | 'target',
      kind,
      expect: Object.fromEntries(
        one(block, 'expect')
          .split(' ')
          .map((field) => field.split('=') as [string, string]),
      ),
      dataLength: Number(one(block, 'dataLength')),
      text: all(block, 'text'),
      wire: Buffer.from(block.replaceAll(/^\w+: .*$|\s/gm, ''), 'hex'),
      digests,
    };
  });
  return { name: file, digests, pdus };
}

function all(block: string, key: string): string[] {
  return block
    .split('\n')
    .filter((line) => line.startsWith(`${key}: `))
    .map((line) => line.slice(key.length + 2));
}

function one(block: string, key: string): string {
  const [value] = all(block, key);
  if (value === undefined) throw new Error(`a vector without ${key}:\n${block}`);
  return value;
}
