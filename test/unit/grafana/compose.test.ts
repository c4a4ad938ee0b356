import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const deploy = fileURLToPath(new URL('../../../deploy/', import.meta.url));
const read = (file: string): unknown => parse(readFileSync(path.join(deploy, file), 'utf8'), { merge: true });

interface Service {
  readonly image: string;
  readonly user: string;
  readonly read_only: boolean;
  readonly cap_drop: string[];
  readonly security_opt: string[];
  readonly ports: string[];
  readonly volumes: { type: string; source: string; target: string; read_only?: boolean }[];
  readonly networks: string[];
  readonly healthcheck?: unknown;
  readonly build?: { context: string; dockerfile: string };
  readonly environment?: Record<string, string>;
}

const compose = read('compose.yaml') as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks: Record<string, unknown>;
};
const services = Object.entries(compose.services);

test('gateway, Prometheus and Grafana are in the compose file', () => {
  expect(services.map(([name]) => name)).toEqual(['gateway', 'prometheus', 'grafana']);
});

test.each(services)('%s can write to its volumes alone, and gain no rights', (_name, service) => {
  expect(service.read_only).toBe(true);
  expect(service.cap_drop).toEqual(['ALL']);
  expect(service.security_opt).toEqual(['no-new-privileges:true']);
  expect(service.user).toMatch(/^(?:[1-9]|\$\{SANGATE_UID:-1000\})/);
});

test.each(services)('%s is reached over loopback unless somebody asks for more', (_name, { ports }) => {
  for (const port of ports) expect(port).toMatch(/^(?:127\.0\.0\.1|\$\{SANGATE_ADDRESS:-127\.0\.0\.1\}):/);
});

test.each(services)('%s is of a version that is named', (_name, { image }) => {
  expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
});

test.each(services)('%s has a health check', (_name, { healthcheck, build }) => {
  const ofImage = build && readFileSync(path.join(deploy, build.context, build.dockerfile), 'utf8');
  expect(healthcheck ?? /^HEALTHCHECK /m.exec(ofImage ?? '')?.[0]).toBeDefined();
});

test.each(services)('%s mounts what is in the repository, and to read only', (_name, { volumes }) => {
  for (const { type, source, read_only } of volumes) {
    if (type === 'volume') expect(Object.keys(compose.volumes)).toContain(source);
    else {
      expect(read_only, source).toBe(true);
      if (!source.startsWith('$')) expect(existsSync(path.join(deploy, source)), source).toBe(true);
    }
  }
});

test('Prometheus scrapes the gateway of the compose file, under the name that the rules expect', () => {
  const { scrape_configs: jobs } = read('prometheus.yaml') as {
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  };
  expect(jobs).toEqual([{ job_name: 'sangate', static_configs: [{ targets: ['gateway:9260'] }] }]);
});

test('Prometheus finds the rules where the compose file puts them', () => {
  const { rule_files: files } = read('prometheus.yaml') as { rule_files: string[] };
  const rules = compose.services['prometheus']!.volumes.find(({ source }) => source.endsWith('/rules'));
  expect(files).toEqual([`${rules!.target}/*.yaml`]);
});

test('Grafana finds dashboards and Prometheus where the compose file puts them, and scrapes as often as it thinks', () => {
  const { environment, volumes } = compose.services['grafana']!;
  const { providers } = read('../grafana/provisioning/dashboards/sangate.yaml') as {
    providers: { options: { path: string } }[];
  };
  const { datasources } = read('../grafana/provisioning/datasources/prometheus.yaml') as {
    datasources: { url: string; jsonData: { timeInterval: string } }[];
  };
  const { global } = read('prometheus.yaml') as { global: { scrape_interval: string } };
  expect(volumes.map(({ target }) => target)).toContain(providers[0]!.options.path);
  expect(datasources[0]!.url).toBe('${PROMETHEUS_URL}');
  expect(environment!['PROMETHEUS_URL']).toBe('http://prometheus:9090');
  expect(datasources[0]!.jsonData.timeInterval).toBe(global.scrape_interval);
});
