#!/usr/bin/env node
import { letHeapGrow } from './heapGrowth.ts';
import { program } from './cli/program.ts';
import { giveAddressesTime } from './transport/dial.ts';

letHeapGrow();
giveAddressesTime();

// `sangate … | head` ends the pipe early; that is no failure of ours, and nobody wants to see a stack trace of it.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await program(process.argv);
