/** Implements the contract's calls about connected windows. */

import type { sessionCalls } from '../../preload/contract/sessions.ts';
import type { Handlers } from './caller.ts';
import { Refusal } from '../base/refusal.ts';
import type { Sessions } from './sessions.ts';

/** The served app, as seen by one of its windows. */
export interface ServedWindow {
  readonly sessions: Sessions;
  /** The window's own session. */
  readonly own: string;
  /** @returns an address that lets in one more window, once */
  readonly newLink: () => string;
}

/** @param served undefined if the app is not served */
export function sessionHandlersOf(
  served: ServedWindow | undefined,
): Pick<Handlers, keyof typeof sessionCalls> {
  const window = (): ServedWindow => {
    if (served === undefined) {
      throw new Refusal('bad-argument', 'only an app that is served has connected windows');
    }
    return served;
  };
  return {
    'sessions.read': () => {
      const { own, sessions } = window();
      return { own, sessions: sessions.list };
    },
    'sessions.end': ({ session }) => {
      if (!window().sessions.end(session)) {
        throw new Refusal('bad-argument', `expected a connected window but ${session} is none`);
      }
      return {};
    },
    'sessions.endOthers': () => {
      const { own, sessions } = window();
      sessions.endOthers(own);
      return {};
    },
    'sessions.newLink': () => ({ address: window().newLink() }),
  };
}
