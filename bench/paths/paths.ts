import { startDirect } from './direct.ts';
import { startHaproxyPair } from './haproxy.ts';
import { startNodePipePair } from './nodePipes.ts';
import type { Path, Site, StartPath } from './path.ts';
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

/** `beside` is sangate of another checkout. */
export type PathName = keyof typeof PATHS | 'beside';

export function startPath(name: PathName, site: Site): Promise<Path> {
  if (name !== 'beside') return PATHS[name](site);
  return startSangate(site, { ...(site.beside !== undefined && { checkout: site.beside }) });
}
