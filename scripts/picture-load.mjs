// Real I/O for scripts/picture: initiators that read and write at a given pace, through stubs, until they are ended.
// Each argument is one: name,port,target,read|write,commands a second,bytes,seconds between bursts (0: none)
import { InitiatorSession } from '../dist/initiator/initiatorSession.js';
import { connectTcp } from '../dist/transport/dial.js';

const BLOCK = 512;
const DISK = 64 * 1024 * 1024;
const TICKS = 50;
const BURST = 400;

await Promise.all(process.argv.slice(2).map((argument) => load(...argument.split(','))));

async function load(name, port, target, direction, rate, bytes, pause) {
  const size = Number(bytes);
  const socket = await connectTcp({ host: '127.0.0.1', port: Number(port) }, AbortSignal.timeout(5000));
  const session = await InitiatorSession.open(socket, target, {
    initiatorName: `iqn.1993-08.org.debian:01:${name}`,
  });
  const data = Buffer.alloc(size, 'sangate');
  let at = 0;
  const one = () => {
    at = (at + size) % DISK;
    const cdb = Buffer.alloc(10);
    cdb[0] = direction === 'write' ? 0x2a : 0x28;
    cdb.writeUInt32BE(at / BLOCK, 2);
    cdb.writeUInt16BE(size / BLOCK, 7);
    const command = { lun: 0, cdb, ...(direction === 'write' ? { dataOut: data } : { readLength: size }) };
    return session.execute(command);
  };
  const many = async (count) => {
    for (let i = 0; i < count; i++) void one();
  };
  if (Number(pause) > 0) setInterval(() => void many(BURST), Number(pause) * 1000);
  // As programs do it: now a few, now many.
  let due = 0;
  setInterval(() => {
    due += (Number(rate) / TICKS) * 2 * Math.random();
    const count = Math.floor(due);
    due -= count;
    void many(count);
  }, 1000 / TICKS);
}
