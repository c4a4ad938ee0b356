import type { ConfigPath } from './problem.ts';

/** The value at a path of data whose shape nobody has checked yet. */
export function valueAt(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** The keys of the map at a path, or the indexes of the list there; none where there is neither. */
export function keysAt(root: unknown, path: ConfigPath): (string | number)[] {
  const value = valueAt(root, path);
  if (Array.isArray(value)) return [...value.keys()];
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}
