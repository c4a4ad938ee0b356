#!/usr/bin/env node
import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { program } from './cli/program.ts';

// A host with two addresses gets 250 ms for the first by default; a WAN's round trips are longer.
setDefaultAutoSelectFamilyAttemptTimeout(2500);

process.exitCode = await program(process.argv);
