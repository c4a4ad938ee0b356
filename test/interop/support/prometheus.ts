import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { freePort } from './freePort.ts';
import { Program } from './process.ts';
import type { Resources } from './resources.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Rule {
  readonly name: string;
  readonly type: 'recording' | 'alerting';
  readonly query: string;
  readonly health: string;
  /** Of an alert: `inactive`, `pending` or `firing`. */
  readonly state?: string;
  /** Seconds since 1970. */
  readonly evaluated: number;
}

interface RuleGroups {
  readonly groups: { rules: (Omit<Rule, 'evaluated'> & { lastEvaluation: string })[] }[];
}

const PATIENCE_MS = 30_000;

/** A private Prometheus on a loopback port that scrapes one gateway as job `sangate`, and goes by rules, each second. */
export class Prometheus {
  readonly #base: string;

  private constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}`;
  }

  /** @param ruleFiles absolute paths */
  static async start(
    opened: Resources,
    { gateway, ruleFiles }: { gateway: string; ruleFiles: readonly string[] },
  ): Promise<Prometheus> {
    const directory = await opened.directory();
    const file = path.join(directory, 'prometheus.yaml');
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ruleFiles,
      scrape_configs: [{ job_name: 'sangate', static_configs: [{ targets: [gateway] }] }],
    };
    await writeFile(file, JSON.stringify(config)); // JSON is YAML
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      const program = new Program(opened, 'prometheus', [
        `--config.file=${file}`,
        `--storage.tsdb.path=${path.join(directory, `data${attempt}`)}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ]);
      try {
        await program.find((line) => line.includes('ready to receive web requests') || undefined, {
          what: 'start of Prometheus',
        });
        return new Prometheus(port);
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }

  /** @param at seconds since 1970 */
  async query(expr: string, at: number): Promise<Sample[]> {
    const { result } = await this.#ask<{ result: { metric: Sample['labels']; value: [number, string] }[] }>(
      'query',
      { query: expr, time: String(at) },
    );
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  async rules(): Promise<Rule[]> {
    const { groups } = await this.#ask<RuleGroups>('rules', {});
    return groups.flatMap(({ rules }) =>
      rules.map(({ lastEvaluation, ...rule }) => ({ ...rule, evaluated: Date.parse(lastEvaluation) / 1000 })),
    );
  }

  /** Waits until what has happened until now is scraped. @returns when it was: a time for queries */
  async scraped(): Promise<number> {
    const since = Date.now() / 1000;
    return until(async () => {
      const success = 'timestamp(up{job="sangate"}) and up{job="sangate"} == 1';
      const [up] = await this.query(success, Date.now() / 1000);
      return up !== undefined && up.value > since ? up.value : undefined;
    }, 'a successful scrape');
  }

  /** Waits until every rule has been evaluated with what was scraped at `at`. @returns a time at which queries see that */
  async evaluated(at: number): Promise<number> {
    return until(async () => {
      const times = (await this.rules()).map(({ evaluated }) => evaluated);
      return times.every((time) => time > at) ? Math.max(...times) : undefined;
    }, 'evaluation of all rules');
  }

  async #ask<T>(what: string, parameters: Record<string, string>): Promise<T> {
    const response = await fetch(
      `${this.#base}/api/v1/${what}?${new URLSearchParams(parameters).toString()}`,
    );
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`Prometheus about ${JSON.stringify(parameters)}: ${error}`);
    return data;
  }
}

/** Prometheus tells nobody what it has done: it has to be asked. */
async function until<T>(ask: () => Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`no ${what} within ${PATIENCE_MS / 1000} s`);
    await setTimeout(100);
  }
}
