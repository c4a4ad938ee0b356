import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyConversation, TEXT_ANSWERS } from '../../support/anyConversation.ts';
import { anyCuts } from '../../support/anyPdu.ts';
import { authenticated } from '../../support/authenticated.ts';
import { inChunks } from '../../support/fuzz.ts';
import { NaiveRelay, type Side } from '../../support/naiveRelay.ts';
import { Relayed } from '../../support/relayed.ts';

const proofs = authenticated();
const anySerial = fc.oneof(fc.constantFrom(0, 1, 0xfffffffe, 0xffffffff), fc.nat(0xffffffff));
/** Whose chunk is next, as long as both have one. */
const anyTurns = fc.array(fc.constantFrom<Side>('initiator', 'target'), { minLength: 1, maxLength: 50 });

test('any conversation, in any chunks, comes out as a relay that takes PDU by PDU would have it', () => {
  fc.assert(
    fc.property(
      anyConversation,
      fc.record({ initiator: anyCuts(), target: anyCuts() }),
      anyTurns,
      anySerial,
      anySerial,
      ({ digests, streams }, cuts, turns, statSN, expStatSN) => {
        const naive = new NaiveRelay(digests, TEXT_ANSWERS, statSN, expStatSN);
        const relayed = new Relayed({ digests, statSN, expStatSN, proofs });
        const chunks = {
          initiator: [...inChunks(Buffer.from(streams.initiator), cuts.initiator)],
          target: [...inChunks(Buffer.from(streams.target), cuts.target)],
        };
        for (let turn = 0; chunks.initiator.length + chunks.target.length > 0; turn++) {
          const wanted = turns[turn % turns.length]!;
          const other = wanted === 'initiator' ? 'target' : 'initiator';
          const side = chunks[wanted].length > 0 ? wanted : other;
          const chunk = chunks[side].shift()!;
          naive.push(side, Buffer.from(chunk));
          if (side === 'initiator') relayed.relay.fromInitiator(chunk);
          else relayed.relay.fromTarget(chunk);
        }
        for (const side of ['initiator', 'target'] as const) {
          expect(relayed.bytesAt(side).toString('hex')).toBe(naive.output[side].toString('hex'));
        }
        expect(relayed.relay.traffic.initiator.bytes).toBe(streams.initiator.length);
        expect(relayed.relay.traffic.target.bytes).toBe(streams.target.length);
      },
    ),
    { numRuns: 1000 },
  );
});
