/** Starts the window: connects, reads the app's state, and draws. */

import { mount } from 'svelte';
import { App } from './state/app.svelte.ts';
import { connect } from './bridge.ts';
import { Toasts } from './state/toasts.svelte.ts';
import Refused from './Refused.svelte';
import { reportErrors } from './report.ts';
import Root from './Root.svelte';

const target = document.querySelector('#app');
if (target === null) throw new Error('expected #app in index.html but there is none');

// Pasting a link into this tab changes only the part after #, which does not load anything.
addEventListener('hashchange', () => {
  location.reload();
});

try {
  const bridge = await connect();
  reportErrors(bridge.client);
  const [info, settings] = await Promise.all([
    bridge.client.call('app.info', {}),
    bridge.client.call('settings.read', {}),
  ]);
  mount(Root, { target, props: { app: new App(bridge, info, settings, new Toasts()) } });
} catch (error) {
  const words = error instanceof Error ? error.message : String(error);
  mount(Refused, { target, props: { words } });
}
