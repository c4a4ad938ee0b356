import { setFlagsFromString } from 'node:v8';

/**
 * What Node reads into, where it is not lent a buffer, and what it writes from lives for a moment but counts as if it had come to stay:
 * some 32 MiB of it before V8 looks for garbage among the young. A small heap's limit for the old is often below that, and then every
 * look goes through the whole heap, for more than all of our own work costs. V8 lets a heap grow up to fourfold in between
 * when it thinks that it can afford to; from here on it always does.
 */
export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=300');
}
