import type { Answer } from '../../src/cache/entity.js';
import type { ReadThrough } from '../../src/cache/read-through.js';
import { ReadyAnswers, Recording } from '../../src/cache/ready-answers.js';
import { MIB } from '../../src/units.js';
import { Instance, SILENT } from './cache-world.js';

/** What reads for one request: each key once. */
export interface Reader {
  load(key: string): Promise<Answer<number>>;
}

export function readerOf(cache: ReadThrough<string, number>): Reader {
  const answers = new Map<string, Promise<Answer<number>>>();
  const ask = async (key: string) => (await cache.readMany([key], SILENT))[0] as Answer<number>;
  return {
    load: (key) => {
      const answer = answers.get(key) ?? ask(key);
      answers.set(key, answer);
      return answer;
    },
  };
}

const DOCUMENT = {};

/** A gateway that gives whole answers again: texts that hold the versions of some keys. */
export class AnsweringInstance extends Instance {
  readonly ready = new ReadyAnswers<Reader>(MIB, () => 0);
  /** How many answers were given again, and made. */
  readonly count = { given: 0, made: 0 };

  override async answers(keys: readonly string[]): Promise<Answer<number>[]> {
    const reader = readerOf(this.cache);
    const text = (await this.given(keys, reader)) ?? (await this.make(keys, reader));
    const versions = JSON.parse(text) as number[];
    const reads = await Promise.all(keys.map((key) => reader.load(key)));
    return reads.map((read, index) => ({ ...read, value: versions[index] ?? -1 }));
  }

  protected async given(keys: readonly string[], reader: Reader): Promise<string | undefined> {
    const text = await this.ready.find(this.question(keys), reader);
    if (text !== undefined) this.count.given += 1;
    return text;
  }

  private async make(keys: readonly string[], reader: Reader): Promise<string> {
    this.count.made += 1;
    const recording = new Recording(reader);
    const answers = await Promise.all(keys.map((key) => this.noted(recording, reader, key)));
    const text = JSON.stringify(answers.map(({ value }) => value));
    await this.ready.keep(this.question(keys), recording, text);
    return text;
  }

  protected noted(recording: Recording<Reader>, _reader: Reader, key: string): Promise<Answer<number>> {
    return recording.read((reader) => reader.load(key));
  }

  private question(keys: readonly string[]) {
    return { document: DOCUMENT, variables: keys.join(), scope: 'all' };
  }
}
