/** The wall itself: what is asked is answered, and nothing that comes through it can end anybody. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { Ended, OddMessage, TooLate } from '../../main/process/asking.ts';
import { defineCall, defineNote, nothing } from '../../main/process/call.ts';
import { Peer, type PeerOptions } from '../../main/process/peer.ts';
import type { PortListener } from '../../main/process/port.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { oddMessages } from './odd-messages.ts';

const double = defineCall({ name: 'double', input: z.number(), output: z.number() });
const count = defineCall({
  name: 'count',
  // What is made up asks for numbers that nobody lives to count to.
  input: z.number().max(100),
  output: z.literal('counted'),
  progress: z.number(),
});
const wait = defineCall({ name: 'wait', input: nothing, output: nothing });
const fail = defineCall({ name: 'fail', input: z.string(), output: nothing });
const hello = defineNote({ name: 'hello', value: z.string() });

interface Side {
  readonly peer: Peer;
  /** Says it as if the other side had. */
  readonly hear: (message: unknown) => void;
  readonly exit: (reason: string) => void;
  /** What was dropped here. */
  readonly odd: string[];
}

/** Two peers on a wire that clones what passes, as all carriers do. */
function pair(options: PeerOptions = {}): readonly [Side, Side] {
  const listeners: PortListener[] = [];
  const side = (own: 0 | 1): Side => {
    const odd: string[] = [];
    const peer = new Peer(
      own === 0 ? 'the child' : 'the app',
      (listener) => {
        listeners[own] = listener;
        return {
          send: (message) => {
            const cloned: unknown = structuredClone(message);
            setImmediate(() => {
              listeners[1 - own]?.receive(cloned);
            });
          },
          kill: () => undefined,
        };
      },
      { onOdd: (account) => odd.push(account), ...options },
    );
    return {
      peer,
      hear: (message) => {
        listeners[own]?.receive(message);
      },
      exit: (reason) => {
        listeners[own]?.exit(reason);
      },
      odd,
    };
  };
  const both = [side(0), side(1)] as const;
  for (const { peer } of both) {
    peer.answer(double, (value) => 2 * value);
    peer.answer(count, (max, { onProgress }) => {
      for (let value = 1; value <= max; value++) onProgress(value);
      return 'counted';
    });
    peer.answer(fail, (code) => {
      if (code === 'disk') throw new Refusal('disk', 'the disk is full');
      throw new TypeError('a bug');
    });
  }
  return both;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('asks both ways, tells progress, and carries failures over', async () => {
  const [app, child] = pair();
  const told: number[] = [];
  expect(await app.peer.ask(double, 21)).toBe(42);
  expect(await child.peer.ask(double, 4)).toBe(8);
  const counted = app.peer.ask(count, 3, { onProgress: (value) => told.push(value) });
  expect(await counted).toBe('counted');
  expect(told).toEqual([1, 2, 3]);
  await expect(app.peer.ask(fail, 'disk')).rejects.toMatchObject({
    name: 'Refusal',
    code: 'disk',
    message: 'the disk is full',
  });
  const bug: unknown = await app.peer.ask(fail, 'bug').catch((error: unknown) => error);
  if (!(bug instanceof Error) || bug instanceof Refusal) throw new Error('expected a bug');
  expect(bug.message).toBe('a bug');
  // The other side's stack, not this one's.
  expect(bug.stack).toContain('TypeError: a bug');
  const heard: string[] = [];
  child.peer.listen(hello, (value) => heard.push(value));
  app.peer.tell(hello, 'there');
  await settled();
  expect(heard).toEqual(['there']);
});

it('cancels at once, or when the other side has let go', async () => {
  const [app, child] = pair();
  const released = Promise.withResolvers<undefined>();
  let aborts = 0;
  child.peer.answer(wait, async (_, { signal }) => {
    signal.addEventListener('abort', () => (aborts += 1));
    await released.promise;
    signal.throwIfAborted();
    return undefined;
  });
  const controller = new AbortController();
  const { signal } = controller;
  let hasLetGo = false;
  const atOnce = app.peer.ask(wait, undefined, { signal });
  const patient = app.peer
    .ask(wait, undefined, { signal, waitsForEnd: true })
    .catch(() => (hasLetGo = true));
  await settled();
  controller.abort();
  await expect(atOnce).rejects.toMatchObject({ code: 'cancelled' });
  await settled();
  expect(aborts).toBe(2);
  expect(hasLetGo).toBe(false);
  released.resolve(undefined);
  await patient;
  expect(hasLetGo).toBe(true);
  await expect(app.peer.ask(double, 1, { signal })).rejects.toMatchObject({ code: 'cancelled' });
});

it('gives up what takes too long, and tells the other side', async () => {
  const [app, child] = pair();
  let isAborted = false;
  child.peer.answer(wait, async (_, { signal }) => {
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
    });
    isAborted = true;
    return undefined;
  });
  await expect(app.peer.ask(wait, undefined, { withinMs: 20 })).rejects.toThrow(TooLate);
  await settled();
  await settled();
  expect(isAborted).toBe(true);
});

it('fails all that is under way when the other side ends, and all that is asked later', async () => {
  const reasons: string[] = [];
  const [app, child] = pair({ onExit: (reason) => reasons.push(reason) });
  const signals: AbortSignal[] = [];
  child.peer.answer(wait, (_, { signal }) => {
    signals.push(signal);
    return new Promise(() => undefined);
  });
  const asked = [app.peer.ask(wait, undefined), app.peer.ask(wait, undefined)];
  const outcomes = Promise.allSettled(asked);
  await settled();
  app.exit('by SIGKILL');
  child.exit('by itself');
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { reason: 'by SIGKILL' } });
  }
  await expect(app.peer.ask(double, 1)).rejects.toThrow(Ended);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(reasons).toEqual(['by SIGKILL', 'by itself']);
});

it('tells what it killed the other side for as the way that one ended', async () => {
  const [app] = pair();
  const asked = app.peer.ask(wait, undefined);
  app.peer.kill('after 3 s of silence');
  app.exit('by SIGKILL');
  await expect(asked).rejects.toThrow('the child ended after 3 s of silence');
});

it('fails the one request that an odd message is about', async () => {
  const [app, child] = pair();
  child.peer.answer(wait, () => new Promise(() => undefined));
  const ask = () => app.peer.ask(wait, undefined);
  /** Ids count from 1. */
  const odd: readonly unknown[] = [
    { kind: 'answer', id: 1, output: 'something' },
    { kind: 'failed', id: 2, failure: { code: 'constructor', message: 'x' } },
    { kind: 'failed', id: 3 },
    { kind: 'progress', id: 4, progress: 1 },
    { kind: '__proto__', id: 5 },
    { kind: 'answer', id: 6, output: { get: 1 }, extra: 'x'.repeat(1 << 20) },
  ];
  const asked = odd.map(ask);
  const other = app.peer.ask(double, 5);
  for (const message of odd) app.hear(message);
  for (const one of asked) await expect(one).rejects.toThrow(OddMessage);
  expect(await other).toBe(10);
});

it('drops replies that come twice, and progress after the answer', async () => {
  const [app] = pair();
  const told: number[] = [];
  const answer = await app.peer.ask(count, 1, { onProgress: (value) => told.push(value) });
  app.hear({ kind: 'answer', id: 1, output: 'counted' });
  app.hear({ kind: 'answer', id: 1, output: 7 });
  app.hear({ kind: 'progress', id: 1, progress: 9 });
  app.hear({ kind: 'failed', id: 1, failure: { message: 'late' } });
  expect(answer).toBe('counted');
  expect(told).toEqual([1]);
  expect(await app.peer.ask(double, 2)).toBe(4);
});

it('drops a request that comes twice, and answers the first', async () => {
  const [app, child] = pair();
  const first = app.peer.ask(count, 2);
  child.peer.answer(wait, () => new Promise(() => undefined));
  child.hear({ kind: 'ask', id: 77, name: 'wait', input: undefined });
  child.hear({ kind: 'ask', id: 77, name: 'double', input: 1 });
  expect(await first).toBe('counted');
  expect(child.odd.join()).toContain('request 77');
});

it.each(['__proto__', 'constructor', 'toString', '', 'x'.repeat(1 << 20), 7, null, {}])(
  'answers that there is no call of a name such as %.20s',
  async (name) => {
    const [app, child] = pair();
    const known = app.peer.ask(wait, undefined);
    // The first request's id: what is answered to it fails it.
    child.hear({ kind: 'ask', id: 1, name, input: {} });
    await expect(known).rejects.toThrow(/there is no call/);
    expect(await app.peer.ask(double, 2)).toBe(4);
  },
);

it('fails a request whose listener throws, and one that cannot be sent', async () => {
  const [app] = pair();
  const onProgress = (): never => {
    throw new Error('a listener of ours');
  };
  await expect(app.peer.ask(count, 1, { onProgress })).rejects.toThrow('a listener of ours');
  const anything = defineCall({ name: 'double', input: z.unknown(), output: z.unknown() });
  await expect(app.peer.ask(anything, () => 1)).rejects.toMatchObject({ name: 'DataCloneError' });
  expect(await app.peer.ask(double, 2)).toBe(4);
});

it('fails a request whose answer cannot be sent', async () => {
  const [app, child] = pair();
  const anything = defineCall({ name: 'anything', input: nothing, output: z.unknown() });
  child.peer.answer(anything, () => () => 'a function');
  await expect(app.peer.ask(anything, undefined)).rejects.toThrow(/could not be cloned/);
});

it('survives a note whose listener throws, and one that makes no sense', async () => {
  const [app, child] = pair();
  child.peer.listen(hello, () => {
    throw new Error('a listener of ours');
  });
  child.hear({ kind: 'note', name: 'hello', value: 'there' });
  child.hear({ kind: 'note', name: 'hello', value: { there: 1 } });
  expect(child.odd).toHaveLength(2);
  expect(await app.peer.ask(double, 2)).toBe(4);
});

const thrower = {
  get kind(): string {
    throw new Error('a getter');
  },
  get id(): number {
    throw new Error('a getter');
  },
};

it.each([0, 1] as const)('lives through every odd message, on side %d', async (which) => {
  const both = pair();
  const { peer, hear } = both[which];
  for (const message of [
    ...oddMessages,
    thrower,
    {
      kind: 'answer',
      get id() {
        return thrower.id;
      },
    },
  ]) {
    // prettier-ignore
    hear(message);
  }
  expect(await peer.ask(double, 21)).toBe(42);
  expect(await both[1 - which]?.peer.ask(double, 21)).toBe(42);
});

it('lives through whatever is made up, in both directions', async () => {
  const [app, child] = pair();
  const id = fc.oneof(
    // Of requests that are under way, were, or will be.
    fc.integer({ min: 0, max: 3000 }),
    fc.constantFrom('__proto__', 'constructor', Number.NaN, -1, 1e300),
    fc.anything(),
  );
  const name = fc.oneof(
    fc.constantFrom('double', 'count', 'wait', 'hello', '__proto__', 'constructor', 'toString'),
    fc.anything(),
  );
  const kind = fc.constantFrom('ask', 'cancel', 'progress', 'answer', 'failed', 'note', 'toString');
  const value = fc.anything({ withMap: true, withSet: true, withTypedArray: true, withDate: true });
  const message = fc.oneof(
    fc.anything(),
    fc.record(
      { kind, id, name, input: value, output: value, progress: value, failure: value, value },
      { requiredKeys: ['kind'] },
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), message, async (isToApp, made) => {
      const side = isToApp ? app : child;
      const asked = Promise.allSettled([app.peer.ask(double, 1), child.peer.ask(double, 1)]);
      side.hear(made);
      // One of the two may be what the message was about: it fails, or is answered by it.
      for (const outcome of await asked) {
        if (outcome.status === 'fulfilled') expect(outcome.value).toBeTypeOf('number');
        else expect(outcome.reason).toBeInstanceOf(Error);
      }
      expect(await app.peer.ask(double, 4)).toBe(8);
      expect(await child.peer.ask(double, 4)).toBe(8);
    }),
    { numRuns: 1000 },
  );
});
