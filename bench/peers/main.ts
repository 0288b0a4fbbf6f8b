import { apollo, apolloCacheAside, apolloResponseCache } from './apollo.js';
import { mercuriusJit } from './mercurius.js';
import { PeerPlant } from './plant.js';
import { readyBytes } from './ready-bytes.js';
import { yoga } from './yoga.js';

/** A peer as a process of its own: `main.ts <name>`, with PORT, DATABASE_URL and REDIS_URL. */
const PEERS: Record<string, (plant: PeerPlant, port: number, redisUrl: string) => Promise<void>> = {
  apollo,
  'apollo-response-cache': apolloResponseCache,
  'apollo-cache-aside': apolloCacheAside,
  yoga,
  mercurius: mercuriusJit,
  'ready-bytes': readyBytes,
};

const { PORT, DATABASE_URL = '', REDIS_URL = '' } = process.env;
await PEERS[process.argv[2] ?? '']!(new PeerPlant(DATABASE_URL), Number(PORT), REDIS_URL);
