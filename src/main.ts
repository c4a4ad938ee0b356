#!/usr/bin/env node
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { letHeapGrow } from './cli/heapGrowth.ts';
import { program } from './cli/program.ts';

letHeapGrow();

// A host with two addresses gets 250 ms for the first by default; a WAN's round trips are longer.
setDefaultAutoSelectFamilyAttemptTimeout(2500);

// `sangate … | head` ends the pipe early; that is no failure of ours, and nobody wants to see a stack trace of it.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await program(process.argv);
