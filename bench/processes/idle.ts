// Opens sessions, or sockets that have said one thing, and keeps them open until it is killed.
import { once } from 'node:events';
import { InitiatorSession } from '../../src/initiator/initiatorSession.ts';
import { dial, initiatorOptions } from '../loads/logInRaw.ts';
import type { Disk } from '../support/tgtd.ts';

export interface IdleOptions {
  readonly portal: string;
  readonly disk: Disk;
  readonly sessions: number;
  readonly kind: 'sessions' | 'sockets';
}

const HANDS = 8;

const { portal, disk, sessions, kind } = JSON.parse(process.argv[2]!) as IdleOptions;
let left = sessions;
await Promise.all(Array.from({ length: HANDS }, work));
console.log('open');

async function work(): Promise<void> {
  while (left-- > 0) {
    const socket = await dial(portal);
    if (kind === 'sessions') {
      await InitiatorSession.open(socket, disk.target, initiatorOptions(disk));
    } else {
      socket.write('here');
      await once(socket, 'data');
    }
  }
}
