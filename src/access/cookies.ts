/**
 * Our two cookies. Over https both carry the `__Host-` prefix, so that no other host, sub-domain or
 * plain-http page can set or overwrite them; over http, which is for loopback only, they carry none.
 */

export interface Cookies {
  readonly sessionName: string;
  readonly signInName: string;
  session(token: string, expiresAt: Date): string;
  endSession(): string;
  /** Binds a sign-in to the browser that began it. */
  signIn(secret: string, maxAgeSeconds: number): string;
}

export const createCookies = (secure: boolean): Cookies => {
  const prefix = secure ? '__Host-' : '';
  const sessionName = `${prefix}quarterdeck`;
  const signInName = `${prefix}quarterdeck-sign-in`;
  const common = `Path=/; HttpOnly${secure ? '; Secure' : ''}`;
  return {
    sessionName,
    signInName,
    session: (token, expiresAt) =>
      `${sessionName}=${token}; ${common}; SameSite=Lax; Expires=${expiresAt.toUTCString()}`,
    endSession: () => `${sessionName}=; ${common}; SameSite=Lax; Max-Age=0`,
    // The provider's page posts the assertion to us across sites, where Lax would withhold the cookie.
    // None needs Secure; on loopback all ports are one site, so Lax is enough there.
    signIn: (secret, maxAgeSeconds) =>
      `${signInName}=${secret}; ${common}; SameSite=${secure ? 'None' : 'Lax'}; Max-Age=${maxAgeSeconds}`,
  };
};

/** The first cookie of that name. */
export const cookieIn = (header: string | undefined, name: string): string | undefined => {
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
};
