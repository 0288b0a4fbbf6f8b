/** The name of a group of Debian packages that one kind of server needs. */
export type SetName = 'redis' | 'ceph' | 'chromium' | 'nginx' | 'wrk';

export interface PackageSet {
  packages: readonly string[];
  /** The programs wanted; each with its names on PATH, best first. */
  programs: Readonly<Record<string, readonly string[]>>;
  /** Where a program lies below the unpacked root when that is not usr/bin. */
  unpackedAt: Readonly<Record<string, string>>;
  /** Library folders below usr/lib/<triplet>, besides that folder itself. */
  libraryFolders: readonly string[];
  /** Those programs that are Python scripts: unpacked, they need the Python to use named. */
  pythonPrograms: readonly string[];
  /** How a program is asked whether it starts here, where that is not `--version` with exit code 0. */
  asked?: Readonly<Record<string, { args: readonly string[]; exitCode: number }>>;
  /** Said when the set cannot be had. */
  advice: string;
}

const alone = (...names: string[]): Record<string, readonly string[]> => Object.fromEntries(names.map((name) => [name, [name]]));

export const PACKAGE_SETS: Readonly<Record<SetName, PackageSet>> = {
  redis: {
    packages: ['redis-server', 'redis-tools'],
    programs: alone('redis-server', 'redis-cli'),
    unpackedAt: {},
    libraryFolders: [],
    pythonPrograms: [],
    advice: 'install redis-server and redis-cli (apt-get install redis-server)',
  },
  ceph: {
    packages: ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph-common', 'ceph-base'],
    programs: alone('ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph-authtool', 'monmaptool', 'ceph'),
    unpackedAt: {},
    libraryFolders: ['ceph'],
    pythonPrograms: ['ceph'],
    advice: 'install a Ceph object gateway (apt-get install ceph-mon ceph-osd radosgw)',
  },
  chromium: {
    packages: ['chromium', 'chromium-common', 'fonts-dejavu-core'],
    programs: { chromium: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'] },
    unpackedAt: { chromium: 'usr/lib/chromium/chromium' },
    libraryFolders: ['nss'],
    pythonPrograms: [],
    advice: "install chromium (apt-get install chromium); Ubuntu's package is only a snap stub: install Google Chrome there",
  },
  nginx: {
    packages: ['nginx'],
    programs: alone('nginx'),
    unpackedAt: { nginx: 'usr/sbin/nginx' },
    libraryFolders: [],
    pythonPrograms: [],
    asked: { nginx: { args: ['-v'], exitCode: 0 } },
    advice: 'install nginx (apt-get install nginx)',
  },
  wrk: {
    packages: ['wrk'],
    programs: alone('wrk'),
    unpackedAt: {},
    libraryFolders: [],
    pythonPrograms: [],
    // It prints its version, and then misses a URL.
    asked: { wrk: { args: ['-v'], exitCode: 1 } },
    advice: 'install wrk (apt-get install wrk)',
  },
};
