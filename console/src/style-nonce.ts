/**
 * The nonce of this page, without which the content security policy lets no computed style in. Vite puts it into a
 * `meta` element; a browser shows it to scripts as a property only, so that no style sheet can read it.
 */
const meta = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]');

export const styleNonce = meta?.nonce ?? '';

/** Where the library that locks scrolling behind a dialog looks for it (get-nonce). */
Object.assign(globalThis, { __webpack_nonce__: styleNonce });
