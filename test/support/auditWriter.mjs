// Writes audit lines as fast as it can until it is killed; says on standard output how many it has asked for.
const [, , module, file] = process.argv;
const { openAudit } = await import(module);
const trail = await openAudit({ file, maxBytes: 300_000, keep: 1000, onAlarm: () => {} });
for (let session = 1; ; session++) {
  trail.write({ action: 'login', outcome: 'success', sourceIp: '203.0.113.7', own: { session } });
  if (session % 500 !== 0) continue;
  process.stdout.write(`${session}\n`);
  await trail.rotateOrReopen();
}
