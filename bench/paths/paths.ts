import { startDirect } from './direct.ts';
import { startHaproxyPair } from './haproxy.ts';
import { startNodePipePair } from './nodePipes.ts';
import type { StartPath } from './path.ts';
import { startSangate } from './sangate.ts';
import { startStunnelPair } from './stunnel.ts';

/** In the order of the table. */
export const PATHS = {
  direct: startDirect,
  stunnel: startStunnelPair,
  haproxy: startHaproxyPair,
  pipes: startNodePipePair,
  sangate: startSangate,
} as const satisfies Record<string, StartPath>;

export type PathName = keyof typeof PATHS;
