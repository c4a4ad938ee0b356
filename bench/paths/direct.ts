import type { Path, Site } from './path.ts';

export async function startDirect({ portal, disk }: Site): Promise<Path> {
  return { portal, disk };
}
