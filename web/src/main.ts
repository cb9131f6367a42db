import { mount } from 'svelte';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import App from './App.svelte';
import { preferredLanguage, speak } from './i18n/language.svelte';
import { findMe } from './people/session.svelte';
import { askSite } from './shell/site.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('The page has no #app element.');

void findMe();
const site = askSite().catch(() => undefined);
await speak(preferredLanguage() ?? ((await site)?.locale_default === 'ko' ? 'ko' : 'en'));
mount(App, { target });
