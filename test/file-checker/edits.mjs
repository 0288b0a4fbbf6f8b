/** Hooks of `node:module` that put bugs into the text of a module; see `bugs.mjs`. */
let wanted;

export function initialize(data) {
  wanted = data;
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.endsWith(wanted.file)) return loaded;
  let source = String(loaded.source);
  for (const [text, other] of wanted.edits) {
    if (!source.includes(text)) throw new Error(`${wanted.file} must contain ${text} to put a bug into`);
    source = source.replace(text, () => other);
  }
  return { ...loaded, source };
}
