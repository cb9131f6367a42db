import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { precompress } from './build/precompress.ts';

/** Where `npm run dev` finds the server. */
const server = process.env.MADANG_URL ?? 'http://127.0.0.1:8080';
const forwarded = ['/api', '/live', '/openapi.json'];

export default defineConfig({
  plugins: [svelte(), precompress()],
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  worker: { format: 'es' },
  server: {
    proxy: {
      ...Object.fromEntries(forwarded.map((path) => [path, server])),
      '/connection': { target: server, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
