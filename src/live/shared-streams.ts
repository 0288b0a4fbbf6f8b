import { setImmediate as nextTurn } from 'node:timers/promises';

/** Takes what a stream yields. */
export interface StreamMember {
  next(text: string): void;
  /** Called once, when the stream has ended: with an error, or because nothing more will come. */
  end(error?: unknown): void;
}

/** One stream for all that want the same: each item is made once, and handed to everyone. */
export class SharedStreams {
  private readonly streams = new Map<string, SharedStream>();

  /**
   * Resolves when the stream has begun: `member` gets everything that it yields from then on.
   * @param key the same for those who want the same
   * @param open begins the stream, if nobody has
   * @returns leaves the stream; the last one to leave ends it
   * @throws what `open` throws
   */
  async join(key: string, open: () => Promise<AsyncIterableIterator<string>>, member: StreamMember): Promise<() => void> {
    const stream = this.streams.get(key) ?? this.begin(key, open);
    stream.members.add(member);
    const leave = () => stream.leave(member);
    try {
      await stream.opened;
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  private begin(key: string, open: () => Promise<AsyncIterableIterator<string>>): SharedStream {
    const forget = () => {
      if (this.streams.get(key) === stream) this.streams.delete(key);
    };
    const stream = new SharedStream(open, forget);
    this.streams.set(key, stream);
    return stream;
  }
}

class SharedStream {
  readonly members = new Set<StreamMember>();
  readonly opened: Promise<unknown>;
  private source: AsyncIterableIterator<string> | undefined;

  constructor(
    open: () => Promise<AsyncIterableIterator<string>>,
    private readonly forget: () => void,
  ) {
    const opened = open();
    this.opened = opened;
    // A failure to open is told by `join`.
    void opened.then((source) => this.run(source)).catch(forget);
  }

  leave(member: StreamMember): void {
    if (!this.members.delete(member) || this.members.size > 0) return;
    this.forget();
    void this.source?.return?.();
  }

  private async run(source: AsyncIterableIterator<string>): Promise<void> {
    this.source = source;
    // Everybody may have left while it was being opened.
    if (this.members.size === 0) await source.return?.();
    let problem: { readonly error?: unknown } = {};
    try {
      for await (const text of source) {
        for (const member of this.members) member.next(text);
        // Many events that are there already would follow each other without a turn of the event loop, in which alone
        // connections learn what their clients have taken.
        await nextTurn();
      }
    } catch (error) {
      problem = { error };
    }
    this.forget();
    const members = [...this.members];
    this.members.clear();
    for (const member of members) member.end(problem.error);
  }
}
