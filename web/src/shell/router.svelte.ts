/** Addresses and pages: which component shows which path, loaded when it is first needed. */
import type { Component } from 'svelte';

export type Parameters = Record<string, string>;
type PageModule = { default: Component<Parameters> };

interface Route {
  pattern: RegExp;
  load: () => Promise<PageModule>;
  /** The page fills the window and brings its own footer or none. */
  full?: boolean;
}

const page = (load: () => Promise<unknown>) => load as () => Promise<PageModule>;

const ROUTES: Route[] = [
  { pattern: /^\/$/, load: page(() => import('../pages/Home.svelte')) },
  { pattern: /^\/watch\/(?<id>\d+)$/, load: page(() => import('../pages/Watch.svelte')), full: true },
  { pattern: /^\/@(?<handle>[^/]+)$/, load: page(() => import('../pages/ChannelPage.svelte')) },
  { pattern: /^\/studio$/, load: page(() => import('../pages/Studio.svelte')) },
  { pattern: /^\/studio\/(?<id>\d+)$/, load: page(() => import('../pages/StudioBroadcast.svelte')) },
  { pattern: /^\/signin$/, load: page(() => import('../pages/SignIn.svelte')) },
  { pattern: /^\/signup$/, load: page(() => import('../pages/SignUp.svelte')) },
  { pattern: /^\/settings$/, load: page(() => import('../pages/Settings.svelte')) },
  { pattern: /^\/admin$/, load: page(() => import('../pages/Admin.svelte')) },
  { pattern: /^\/claim$/, load: page(() => import('../pages/Claim.svelte')) },
  { pattern: /^\/docs$/, load: page(() => import('../pages/Docs.svelte')) },
];
const NOT_FOUND: Route = { pattern: /^/, load: page(() => import('../pages/NotFound.svelte')) };

let path = $state(location.pathname);
let query = $state.raw(new URLSearchParams(location.search));

export function currentPath(): string {
  return path;
}

export function currentQuery(): URLSearchParams {
  return query;
}

export function matchRoute(wanted: string): { route: Route; parameters: Parameters } {
  const plain = wanted.length > 1 ? wanted.replace(/\/+$/, '') : wanted;
  for (const route of ROUTES) {
    const match = route.pattern.exec(plain);
    if (match) return { route, parameters: decoded(match.groups ?? {}) };
  }
  return { route: NOT_FOUND, parameters: {} };
}

export function navigate(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  follow();
  scrollTo(0, 0);
}

/** Follows links inside the site without loading the page anew. Returns what undoes it. */
export function followLinks(): () => void {
  const onClick = (event: MouseEvent) => {
    const to = insideLink(event);
    if (to === undefined) return;
    event.preventDefault();
    navigate(to);
  };
  document.addEventListener('click', onClick);
  addEventListener('popstate', follow);
  return () => {
    document.removeEventListener('click', onClick);
    removeEventListener('popstate', follow);
  };
}

function follow(): void {
  path = location.pathname;
  query = new URLSearchParams(location.search);
}

function insideLink(event: MouseEvent): string | undefined {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (link.hash && link.pathname === location.pathname) return;
  if (/^\/(api|live|openapi\.json|metrics)(\/|$)/.test(link.pathname)) return;
  return link.pathname + link.search + link.hash;
}

function decoded(groups: Record<string, string>): Parameters {
  return Object.fromEntries(
    Object.entries(groups).map(([name, value]) => {
      try {
        return [name, decodeURIComponent(value)];
      } catch {
        return [name, value];
      }
    }),
  );
}
