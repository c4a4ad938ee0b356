import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DiscoverySession } from '../../src/discovery/discoverySession.ts';
import { MalformedRecords } from '../../src/discovery/malformedRecords.ts';
import { parseTargetRecords } from '../../src/discovery/sendTargets.ts';
import { RESERVED_TAG } from '../../src/iscsi/bhs.ts';
import { parseLun } from '../../src/iscsi/lun.ts';
import { encodePdu, NO_DIGESTS, type Pdu } from '../../src/iscsi/pdu.ts';
import { PduReader } from '../../src/iscsi/pduReader.ts';
import { Disposition, PduStream } from '../../src/iscsi/pduStream.ts';
import { ProtocolError } from '../../src/iscsi/protocolError.ts';
import { parseTargetAddress } from '../../src/iscsi/targetAddress.ts';
import { parseKeys, parsePairs } from '../../src/iscsi/text.ts';
import { encodeProxyHeader, readProxyHeader } from '../../src/transport/proxyHeader.ts';
import { authenticated } from '../support/authenticated.ts';
import { damage, damaged, inChunks, timeBoxed } from '../support/fuzz.ts';
import { memoryHeld } from '../support/memory.ts';
import { Relayed, TARGET_STAT_SN } from '../support/relayed.ts';
import { conversations, type VectorPdu } from '../support/vectors.ts';

/** Eight properties share the time. */
const SHARE = 1 / 8;
const LIMITS = { maxAhsLength: 1020, maxDataSegmentLength: 8192 };
const LARGEST_PDU = 48 + 1020 + 4 + 8192 + 4;
const proofs = authenticated();

/** Does the work; false if it was refused. Whatever else is thrown is a bug. */
function isTaken(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return false;
  }
}

const wireOf = (pdus: readonly VectorPdu[]): Buffer => Buffer.concat(pdus.map(({ wire }) => wire));

/** Bytes that nobody meant, and streams of real peers that were damaged. */
const hurtStream = fc.constantFrom(...conversations).chain((conversation) =>
  fc
    .tuple(
      damage,
      fc.option(fc.uint8Array({ maxLength: 300 }), { freq: 5 }),
      fc.constantFrom('initiator', 'target'),
    )
    .map(([damage, random, side]) => {
      const sent = wireOf(conversation.pdus.filter(({ from }) => from === side));
      return { bytes: random === null ? damaged(sent, damage) : Buffer.from(random), damage, conversation };
    }),
);

test('a PduStream refuses or passes any bytes, and passes no more than it got', () => {
  fc.assert(
    fc.property(hurtStream, ({ bytes, damage, conversation }) => {
      let passed = 0;
      let turn = 0;
      const stream = new PduStream(
        {
          header: () => [Disposition.collect, Disposition.absorb, Disposition.pass][turn++ % 3]!,
          collected: ({ bhs, ahs, data }) => void (passed += bhs.length + ahs.length + data.length),
          absorbed: () => {},
          pass: (view) => void (passed += view.length),
        },
        { digests: conversation.digests, maxDataSegmentLength: 8192, maxCollectedLength: 8192 },
      );
      isTaken(() => {
        for (const chunk of inChunks(bytes, damage.chunks)) stream.push(chunk);
      });
      expect(passed).toBeLessThanOrEqual(bytes.length);
    }),
    timeBoxed('PduStream', SHARE),
  );
});

test('a PduReader refuses or reads any bytes, and holds no more than a PDU', () => {
  fc.assert(
    fc.property(hurtStream, ({ bytes, damage, conversation }) => {
      const reader = new PduReader(LIMITS);
      reader.configure({ digests: conversation.digests, limits: LIMITS });
      isTaken(() => {
        for (const chunk of inChunks(bytes, damage.chunks)) {
          reader.push(chunk);
          while (reader.next() !== undefined);
          expect(reader.buffered).toBeLessThan(LARGEST_PDU);
        }
      });
    }),
    timeBoxed('PduReader', SHARE),
  );
});

const inFullFeature = conversations
  .map(({ pdus, ...rest }) => ({ ...rest, pdus: pdus.filter(({ kind }) => !kind.startsWith('login')) }))
  .filter(({ pdus }) => pdus.length > 0);

test('a Relay refuses or passes any bytes, either way', () => {
  const property = fc.property(
    fc.constantFrom(...inFullFeature),
    damage,
    damage,
    ({ pdus, digests }, hurtInitiator, hurtTarget) => {
      const relayed = new Relayed({ digests, proofs });
      const fromInitiator = damaged(wireOf(pdus.filter(({ from }) => from === 'initiator')), hurtInitiator);
      const fromTarget = damaged(wireOf(pdus.filter(({ from }) => from === 'target')), hurtTarget);
      isTaken(() => {
        for (const chunk of inChunks(fromInitiator, hurtInitiator.chunks)) relayed.relay.fromInitiator(chunk);
        for (const chunk of inChunks(fromTarget, hurtTarget.chunks)) relayed.relay.fromTarget(chunk);
      });
      // A Text Request goes on as a NOP-Out without its text: never more than came.
      expect(relayed.bytesAt('target').length).toBeLessThanOrEqual(fromInitiator.length);
    },
  );
  fc.assert(property, timeBoxed('Relay', SHARE));
});

const texts = conversations.flatMap(({ pdus }) =>
  pdus
    .filter(({ text }) => text.length > 0)
    .map(({ wire, dataLength }) => wire.subarray(48, 48 + dataLength)),
);

test('text is refused or read, key by key as it stands', () => {
  const property = fc.property(fc.constantFrom(...texts), damage, (text, damage) => {
    const hurt = damaged(text, damage);
    isTaken(() => {
      for (const [key, value] of parsePairs(hurt)) {
        expect(hurt.includes(`${key}=${value}\0`)).toBe(true);
        expect(`${key}${value}`).not.toMatch(/[\n\r\0]/);
      }
    });
    isTaken(() => parseKeys(hurt));
    isTaken(() => parseTargetRecords(hurt, new MalformedRecords()));
  });
  fc.assert(property, timeBoxed('text', SHARE));
});

test('a LUN is refused or one that we serve', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 12 }), fc.nat(4), (bytes, at) => {
    isTaken(() => {
      const lun = parseLun(bytes, at);
      expect(lun === 'report-luns' || (lun >= 0 && lun < 16384)).toBe(true);
    });
  });
  fc.assert(property, timeBoxed('LUN', SHARE));
});

test('an address is refused or has a host and a port', () => {
  const anyAddress = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc
      .array(fc.constantFrom('[', ']', ':', ',', '.', '%', '0', '1', 'f', '3260', '::1', 'a.b'), {
        maxLength: 12,
      })
      .map((parts) => parts.join('')),
  );
  const property = fc.property(anyAddress, (text) => {
    isTaken(() => {
      const { host, port } = parseTargetAddress(text);
      expect(host).toMatch(/^[0-9A-Za-z.:-]{1,255}$/);
      expect(port > 0 && port < 65536).toBe(true);
    });
  });
  fc.assert(property, timeBoxed('address', SHARE));
});

const proxyHeaders = [
  { source: { host: '203.0.113.7', port: 1 }, destination: { host: '192.0.2.1', port: 3260 } },
  {
    source: { host: '2001:db8::7', port: 1 },
    destination: { host: '192.0.2.1', port: 3260 },
    authority: 'gw.example.org',
  },
].map(encodeProxyHeader);

test('a PROXY header is malformed, whole, or soon to be either', () => {
  const property = fc.property(fc.constantFrom(...proxyHeaders), damage, (header, damage) => {
    const bytes = damaged(header, damage);
    const read = readProxyHeader(bytes);
    if (read.kind === 'more') expect(bytes.length).toBeLessThan(512);
    if (read.kind === 'header') expect(read.length).toBeLessThanOrEqual(Math.min(bytes.length, 512));
    const padded = Buffer.concat([bytes, Buffer.alloc(512)]);
    expect(readProxyHeader(padded).kind).not.toBe('more');
  });
  fc.assert(property, timeBoxed('PROXY header', SHARE));
});

const discoveryPdus = conversations.find(({ name }) => name === 'discovery')!.pdus;

test('a discovery session refuses or answers any PDU', () => {
  const sent = wireOf(discoveryPdus.filter(({ kind }) => kind === 'textRequest' || kind === 'logoutRequest'));
  const cmdSN = sent.readUInt32BE(24);
  const property = fc.property(
    damage,
    fc.integer({ min: 512, max: 8192 }),
    (damage, maxDataSegmentLength) => {
      const session = new DiscoverySession({ statSN: 1, cmdSN, maxDataSegmentLength });
      const reader = new PduReader(LIMITS);
      reader.push(damaged(sent, damage));
      const receive = (pdu: Pdu): void => {
        const step = session.receive(pdu);
        if (step.kind === 'nothing') return;
        const response = step.kind === 'sendTargets' ? session.answer([]) : step.response;
        expect(response.readUIntBE(5, 3)).toBeLessThanOrEqual(maxDataSegmentLength);
      };
      isTaken(() => {
        for (let pdu = reader.next(); pdu !== undefined; pdu = reader.next()) receive(pdu);
      });
    },
  );
  fc.assert(property, timeBoxed('discovery', SHARE));
});

test('a relay that lives long keeps nothing', () => {
  const relayed = new Relayed({ proofs });
  const text = { immediate: true, final: true, targetTransferTag: RESERVED_TAG };
  let statSN = TARGET_STAT_SN;
  const round = (tag: number): void => {
    const { relay } = relayed;
    const send = (data: string): void =>
      relay.fromInitiator(encodePdu('textRequest', { ...text, initiatorTaskTag: tag }, Buffer.from(data)));
    send('SendTargets=\0');
    relay.fromTarget(encodePdu('nopIn', { final: true, initiatorTaskTag: tag, statSN: statSN++ }));
    send('MaxRecvDataSegmentLength=65536\0');
    relay.fromTarget(encodePdu('textResponse', { final: true, initiatorTaskTag: tag, statSN: statSN++ }));
    relayed.bytesAt('target');
    relay.fromInitiator(encodePdu('scsiCommand', { initiatorTaskTag: tag }, Buffer.alloc(512), NO_DIGESTS));
    const rejected = relayed.bytesAt('target').subarray(0, 48);
    relay.fromTarget(encodePdu('reject', { statSN: statSN++ }, rejected));
    relayed.bytesAt('initiator');
  };
  const memoryAfter = (from: number, to: number): number => {
    for (let tag = from; tag < to; tag++) round(tag);
    return memoryHeld();
  };
  const before = memoryAfter(0, 20_000); // the compiler is done by then
  expect(memoryAfter(20_000, 60_000) - before).toBeLessThan(1024 * 1024);
});
