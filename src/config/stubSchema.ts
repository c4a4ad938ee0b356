import { z } from 'zod';
import * as field from './fields.ts';

/** The stub's file, value by value; flags of `sangate stub` pass through the same schema. */
export const stubSchema = z.strictObject({
  listen: field
    .portal({ defaultPort: 3260, purpose: 'listen' })
    .prefault('127.0.0.1:3260')
    .meta({ description: 'Where the initiator connects, in plain iSCSI; port 3260 unless written.' }),
  gateways: z
    .array(field.portal({ defaultPort: 3261, purpose: 'dial' }).meta({ examples: ['gw.example.org:3261'] }))
    .min(1)
    .meta({
      description: 'Gateways, tried in order; port 3261 unless written.',
      examples: [['gw.example.org:3261']],
    }),
  serverName: field.serverName.optional().meta({
    description:
      'The DNS name that the certificate of the gateway must carry. Without it: the host under `gateways`.',
    examples: ['gw.example.org'],
  }),
  tls: z
    .strictObject({
      cert: field.filePath.meta({
        description: 'Certificate of this initiator, PEM, with its intermediates.',
        examples: ['../certs/db1.crt'],
      }),
      key: field.filePath.meta({ description: 'Its private key, PEM.', examples: ['../certs/db1.key'] }),
      ca: field.filePath.meta({
        description: 'The CA that the certificate of the gateway must come from, PEM.',
        examples: ['../certs/ca.crt'],
      }),
    })
    .meta({ description: 'TLS 1.3 toward the gateway.' }),
  advertise: field
    .portal({ defaultPort: 3260, purpose: 'dial' })
    .optional()
    .meta({
      description:
        'The address that discovery shows to the initiator, for a stub behind NAT; port 3260 unless written. Without it: the address that the initiator dialled.',
      examples: ['192.0.2.20:3260'],
    }),
  connectTimeoutSeconds: field
    .seconds(5)
    .meta({ description: 'How long one gateway may take to answer before the next is tried.' }),
  warmTunnels: z.int().min(0).max(16).default(1).meta({
    description:
      'Tunnels that are dialled before an initiator comes, so that its login waits neither for TCP nor for TLS. As many as initiators log in at the same moment; 0: none. With `workers` each process keeps as many. The gateway bounds them by `limits.waiting`.',
  }),
  workers: field.workers,
  watch: field.watch,
  admin: field
    .admin('127.0.0.1:9261')
    .default(false)
    .meta({ description: 'Metrics and health; off unless written.' }),
  log: field.log,
});
