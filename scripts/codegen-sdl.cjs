'use strict';

const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { buildSchema, printSchema } = require('graphql');

/**
 * A plugin of graphql-codegen: the schema with its descriptions as a string constant, so that `dist/` needs no schema
 * folder. It reads the folder itself, because the schema that codegen hands over is either sorted, down to the values
 * of `OrderStatus` whose order means something, or in the order in which the files happened to be read.
 */
module.exports = {
  plugin(_schema, _documents, { folder }) {
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.graphql'))
      .sort();
    const schema = buildSchema(files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n'));
    const sdl = printSchema(schema)
      .replace(/ +$/gm, '')
      .replace(/[\\`]|\$\{/g, '\\$&');
    return `/** The schema's SDL. */\nexport const typeDefs = \`${sdl}\n\`;\n`;
  },
};
