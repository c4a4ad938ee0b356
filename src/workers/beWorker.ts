import type { Link } from './link.ts';
import { processLink } from './processLink.ts';

/**
 * Makes this process a worker: control alone says when it ends, and it never outlives control. A terminal's Ctrl-C and systemd's stop
 * reach every process of a group; control hears them too.
 */
export function beWorker(): Link {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  const link = processLink(process);
  link.onClose(() => process.exit());
  return link;
}
