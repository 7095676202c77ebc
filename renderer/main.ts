/** The window's first steps: connect, read what there is, draw. */

import { mount } from 'svelte';
import { App } from './state/app.svelte.ts';
import { connect } from './bridge.ts';
import { Toasts } from './state/toasts.svelte.ts';
import Refused from './Refused.svelte';
import { reportErrors } from './report.ts';
import Root from './Root.svelte';

const target = document.querySelector('#app');
if (target === null) throw new Error('expected #app in index.html but there is none');

// A link pasted into this tab changes only what follows #, which loads nothing by itself.
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
