/** Shorter ones stand in many a text by chance. */
const LENGTH_MIN = 8;
const VARIABLES = ['AUTH_JWT_SECRET', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];
const LISTS = ['FILE_URL_SECRETS', 'FILE_EVENTS_SECRETS', 'METRICS_SECRETS'];
const URLS = ['MES_DATABASE_URL', 'REDIS_URL', 'AUTH_JWKS_URL', 'S3_ENDPOINT'];

/** Whatever `env` holds that nobody may read: what it is, and how it reads. */
export function secretsOf(env: NodeJS.ProcessEnv): Map<string, string> {
  const found: [string, string][] = [];
  for (const name of VARIABLES) found.push([name, env[name] ?? '']);
  for (const name of LISTS) for (const each of (env[name] ?? '').split(',')) found.push([name, each.trim()]);
  for (const name of URLS)
    for (const url of (env[name] ?? '').split(',')) found.push([`the password in ${name}`, passwordIn(url)]);
  return new Map(
    found.filter(([, secret]) => secret.length >= LENGTH_MIN).map(([name, secret], index) => [`${name} (${index})`, secret]),
  );
}

/** Names of the secrets that stand in `text`: as they are, encoded as in URLs or JSON, as Base64 of whatever holds them, in hexadecimal. */
export function leaksIn(text: string, secrets: ReadonlyMap<string, string>): string[] {
  const isThere = (form: string): boolean => form.length >= LENGTH_MIN && text.includes(form);
  return [...secrets].filter(([, secret]) => formsOf(secret).some(isThere)).map(([name]) => name);
}

function formsOf(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('hex'),
    ...base64Forms(secret),
  ];
}

/** Base64 has three readings of a text, by where it begins in the whole; only the digits that nothing beside it changes. */
function base64Forms(secret: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.from('\0'.repeat(before) + secret);
    const from = Math.ceil((before * 4) / 3);
    const to = Math.floor((bytes.length * 4) / 3);
    return (['base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).slice(from, to));
  });
}

function passwordIn(url: string): string {
  if (!URL.canParse(url)) return '';
  return decodeURIComponent(new URL(url).password);
}
