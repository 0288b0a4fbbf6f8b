import { Readable } from 'node:stream';

/** A body that is in memory already. It can be read as any other; who knows the kind takes `bytes` and saves the stream. */
export class ReadyBody extends Readable {
  constructor(readonly bytes: Buffer) {
    super();
  }

  override _read(): void {
    this.push(this.bytes);
    this.push(null);
  }
}
