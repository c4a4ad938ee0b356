import {
  ConfigError,
  formatLocation,
  formatPath,
  sortProblems,
  type ConfigPath,
  type Problem,
} from './problem.ts';
import type { ConfigSource } from './source.ts';

/** A file that the configuration names, and where it does. */
export interface NamedFile {
  /** Absolute. */
  readonly file: string;
  /** `listen[0].tls.key` */
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

interface Place {
  readonly path: ConfigPath;
  /** Where to point, when it is not the value itself: a missing value has no place of its own. */
  readonly at?: { readonly path: ConfigPath; readonly part: 'key' | 'value' };
}

/** Collects what is wrong and what is doubtful, so that the user hears all of it at once. */
export class Findings {
  readonly #source: ConfigSource;
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];

  constructor(source: ConfigSource) {
    this.#source = source;
  }

  problem(place: Place, message: string, hint: string): void {
    this.#problems.push(this.#locate(place, message, hint));
  }

  warning(place: Place, message: string, hint: string): void {
    this.#warnings.push(this.#locate(place, message, hint));
  }

  /** `config/gateway.yaml:17:5` */
  location(path: ConfigPath, part: 'key' | 'value'): string {
    return formatLocation(this.#source.file, this.#source.positionOf(path, part));
  }

  /** Where the files of a map are named, by its keys. */
  named(map: ConfigPath, files: Readonly<Record<string, string>> = {}): NamedFile[] {
    return Object.entries(files).map(([key, file]) => {
      const path = [...map, key];
      return { file, path: formatPath(path), ...this.#source.positionOf(path, 'value') };
    });
  }

  /** The warnings, in the order of the file. @throws ConfigError if there is any problem */
  conclude(): readonly Problem[] {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
    return sortProblems(this.#warnings);
  }

  #locate({ path, at = { path, part: 'value' } }: Place, message: string, hint: string): Problem {
    const { line, column } = this.#source.positionOf(at.path, at.part);
    return { file: this.#source.file, line, column, path: formatPath(path), message, hint };
  }
}
