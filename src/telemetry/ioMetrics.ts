import { setImmediate } from 'node:timers/promises';
import { IO_CLASSES } from '../accounting/ioClass.ts';
import type { AccountSnapshot, LedgerSnapshot } from '../accounting/snapshot.ts';
import { IO_FAMILIES, type LabelledAccount } from './ioFamilies.ts';
import { familyHeader, labelPairs } from './textFormat.ts';

/** So long text is written before I/O has its turn; ms. */
const TURN_MS = 4;

/**
 * The metrics of a ledger in Prometheus' text format. Not through prom-client, which takes twice as long and does it all in one go: 10 ms
 * for 10,000 series, and 100 ms of standstill for the 90,000 of a ledger that is full. Here the text is written from a snapshot in
 * turns of a few milliseconds (bench/scrape.ts: 10,000 series in 5 ms, no turn longer).
 */
export async function ioMetrics(ledger: LedgerSnapshot): Promise<string> {
  const accounts = ledger.accounts.map(labelled);
  const nexuses = ledger.nexuses.map((of) => {
    const { initiator, target } = of;
    return { of, labels: labelPairs({ initiator, target }) };
  });
  const turns: string[] = [];
  let texts: string[] = [];
  let start = performance.now();
  const write = async (text: string): Promise<void> => {
    texts.push(text);
    if (performance.now() - start < TURN_MS) return;
    turns.push(texts.join('')); // now: what V8 has not copied together yet, the end would have to, all at once
    texts = [];
    await setImmediate();
    start = performance.now();
  };
  for (const family of IO_FAMILIES) {
    await write(familyHeader(family) + (family.ledger?.(ledger) ?? ''));
    for (const nexus of family.nexus ? nexuses : []) await write(family.nexus!(nexus));
    for (const account of family.account ? accounts : []) await write(family.account!(account));
  }
  return [...turns, ...texts].join('');
}

function labelled(of: AccountSnapshot): LabelledAccount {
  const { initiator, target, lun, classes } = of;
  const labels = labelPairs({ initiator, target, lun });
  return {
    of,
    labels,
    classes: IO_CLASSES.map((name) => ({ name, of: classes[name], labels: `${labels},class="${name}"` })),
  };
}
