import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programsOf } from './packages.js';
import { removeFolder, temporaryFolder } from './temporary.js';

/** What playwright-core's `chromium.launch` takes. Call `remove` after the browser is closed. */
export interface Chromium {
  executablePath: string;
  args: string[];
  env: Record<string, string>;
  /** Removes the browser's home folder. */
  remove(): void;
}

const ARGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--no-first-run',
  '--disable-sync',
  '--disable-component-update',
];

/** Finds or fetches a Chromium. @throws when there is none that starts, as with Ubuntu's snap stub, saying what to do. */
export async function findChromium(): Promise<Chromium> {
  const { paths, env, root } = await programsOf('chromium');
  const home = temporaryFolder();
  const own: NodeJS.ProcessEnv = { ...env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
  if (root !== undefined) own['FONTCONFIG_FILE'] = writeFontConfiguration(root, home);
  const defined = Object.entries(own).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    executablePath: paths['chromium'] as string,
    args: ARGS,
    env: Object.fromEntries(defined),
    remove: () => removeFolder(home),
  };
}

/** The packages' own fonts besides the system's, which may have none. */
function writeFontConfiguration(root: string, home: string): string {
  const file = join(home, 'fonts.conf');
  const folders = ['/usr/share/fonts', join(root, 'usr/share/fonts')].map((folder) => `<dir>${folder}</dir>`).join('');
  writeFileSync(file, `<?xml version="1.0"?><fontconfig>${folders}<cachedir>${home}</cachedir></fontconfig>\n`);
  return file;
}
