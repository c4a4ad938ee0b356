/**
 * The time of the chunk that is being taken, in ms, as the one element of an array: between functions and in properties, V8 puts a number
 * with a fraction on the heap.
 */
export type Clock = Float64Array;

export function newClock(): Clock {
  return new Float64Array(1);
}
