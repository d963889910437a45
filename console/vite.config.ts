/**
 * Builds the console into `dist/console`, from where the API serves it at `/`. The API sends a strict
 * content security policy, so nothing may be inlined: no data: URLs, no inline scripts, and no styles but those
 * with the nonce that the API puts in the placeholder's place at each answer. Development:
 * `npx vite console` with the API running on its usual port.
 */
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const api = process.env.QUARTERDECK_PUBLIC_URL ?? 'http://127.0.0.1:7400';

/** Libraries change rarely and the console often: apart, a new version costs its reader little. */
const vendors = [
  { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\// },
  { name: 'mantine', test: /node_modules\/(@mantine|@floating-ui)\// },
  { name: 'data', test: /node_modules\/(@tanstack|socket\.io|engine\.io|@socket\.io)/ },
];

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  plugins: [react()],
  html: { cspNonce: '__quarterdeck_nonce__' },
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: 'es2022',
    rolldownOptions: { output: { codeSplitting: { groups: vendors } } },
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/internal': { target: api, ws: true }, '/auth': api, '/problems': api },
  },
});
