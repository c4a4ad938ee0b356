import type { Side } from '../iscsi/side.ts';
import type { Traffic } from '../telemetry/events.ts';

/** By the side that it came from. */
export type TrafficBySide = Readonly<Record<Side, Traffic>>;

export const NOTHING_PASSED: TrafficBySide = {
  initiator: { pdus: 0, bytes: 0 },
  target: { pdus: 0, bytes: 0 },
};

export function sumOfTraffic(all: readonly TrafficBySide[]): TrafficBySide {
  const from = (side: Side): Traffic => ({
    pdus: all.reduce((sum, traffic) => sum + traffic[side].pdus, 0),
    bytes: all.reduce((sum, traffic) => sum + traffic[side].bytes, 0),
  });
  return { initiator: from('initiator'), target: from('target') };
}
