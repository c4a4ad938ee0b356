import { setFlagsFromString } from 'node:v8';

/**
 * Sockets that we accepted read into buffers of their own, which live for a moment but count as if they had come to stay: some 32 MiB
 * of them before V8 looks for garbage among the young. A small heap's limit for the old is often below that, and then every
 * look goes through the whole heap, for more than all of our own work costs. V8 lets a heap grow up to fourfold in between
 * when it thinks that it can afford to; from here on it always does.
 */
export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=300');
}
