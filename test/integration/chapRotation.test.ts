import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import tls from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { InitiatorSession } from '../../src/initiator/initiatorSession.ts';
import { CHAP_ALGORITHMS } from '../../src/policy/chapRequirement.ts';
import { Secret } from '../../src/policy/secret.ts';
import { testPki } from '../support/certificates.ts';
import { DISK1 } from '../support/loginPdus.ts';
import { DB1_MUTUAL, SECRETS, startSite, startTarget, type Site } from '../support/site.ts';

const secret = (text: string): Secret => new Secret(Buffer.from(text));

async function logIn(site: Site, own: string, gateways: string): Promise<InitiatorSession> {
  const { ca, client } = await testPki();
  const socket = tls.connect({
    host: '127.0.0.1',
    port: site.port,
    ca,
    ...client,
    ALPNProtocols: ['sangate'],
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return InitiatorSession.open(socket, DISK1, {
    initiatorName: DB1_MUTUAL,
    chap: {
      user: 'db1',
      secret: secret(own),
      algorithms: CHAP_ALGORITHMS,
      mutual: { user: 'gateway', secret: secret(gateways) },
    },
  });
}

test('after both CHAP secrets of an initiator were replaced its session goes on, and the new ones alone log in', async () => {
  const array = await startTarget();
  const site = await startSite({ backends: { array1: { portals: [array.portal] } } });
  const session = await logIn(site, SECRETS.DB1_MUTUAL, SECRETS.GATEWAY);
  const fresh = { own: 'the-new-one-of-db1', gateways: 'the-new-one-of-gw' };
  await writeFile(site.file('db1'), fresh.own, { mode: 0o600 });
  await writeFile(site.file('db1-back'), fresh.gateways, { mode: 0o600 });
  await site.reload(({ initiators }) => {
    initiators['db1-mutual']!['chap'] = {
      user: 'db1',
      secret: { file: 'db1' },
      mutual: { user: 'gateway', secret: { file: 'db1-back' } },
    };
  });
  expect(await site.log.line({ msg: 'reloaded' })).toMatchObject({ kept: 1, ended: 0 });
  await session.ping();
  await expect(logIn(site, SECRETS.DB1_MUTUAL, fresh.gateways)).rejects.toThrow();
  await expect(logIn(site, fresh.own, SECRETS.GATEWAY)).rejects.toThrow();
  await (await logIn(site, fresh.own, fresh.gateways)).logout();
  await session.ping();
});
