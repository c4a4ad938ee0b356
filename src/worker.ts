import { letHeapGrow } from './heapGrowth.ts';
import { serveGateway } from './gateway/workers/service.ts';
import { serveStub } from './stub/workers/service.ts';
import { giveAddressesTime } from './transport/dial.ts';
import { beWorker } from './workers/beWorker.ts';

letHeapGrow();
giveAddressesTime();
const [role, number] = process.argv.slice(2);
process.title = `sangate ${role} worker ${number}`;
const onBroken = (error: Error): never => {
  process.stderr.write(
    `worker ${number} of the ${role}: control said what it cannot have meant: ${error.message}\n`,
  );
  process.exit(1);
};
const serve = role === 'stub' ? serveStub : serveGateway;
serve(beWorker(), onBroken);
