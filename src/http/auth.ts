/**
 * Everything under `/auth`: the SAML round trip and signing out. Answers are pages and redirects for
 * browsers; `POST /auth/logout` also answers programs. The messages at `acs` and `slo` come from an
 * identity provider's page and carry their own proof, so they alone are taken from foreign origins.
 */
import express, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express';
import type { Access } from '../access/access.ts';
import { cookieIn } from '../access/cookies.ts';
import { sameMachineUnder } from '../access/own-origin.ts';
import { choiceOfProviderPage, failurePage, type Page, signedOutPage } from '../access/pages.ts';
import { ownPath } from '../access/return-to.ts';
import { requestLifeMs } from '../access/saml/ledger.ts';
import { SamlRefusal } from '../access/saml/refusal.ts';
import type { SingleSignOn } from '../access/single-sign-on.ts';
import { isQuarterdeckError, QuarterdeckError } from '../errors.ts';
import { clientAddressOf } from './authenticate.ts';
import { problemKinds } from './problem.ts';

/** Told of faults that a person is shown a page for. */
export type OnFault = (error: unknown) => void;

const parseForm = express.urlencoded({ extended: false, limit: '300kb', parameterLimit: 20, inflate: false });

/** What the parser refuses is the sender's doing. */
const form: RequestHandler = (request, response, next) => {
  parseForm(request, response, (error?: unknown) => {
    if (error === undefined || error === null) return next();
    const tooLarge = (error as { status?: number }).status === 413;
    const code = tooLarge ? 'too_large' : 'malformed_request';
    next(new QuarterdeckError(code, 'The form cannot be read.', { cause: error }));
  });
};

const sendPage = (response: Response, { status, html, contentSecurityPolicy }: Page): void => {
  response.setHeader('Content-Security-Policy', contentSecurityPolicy);
  response.setHeader('Cache-Control', 'no-store');
  response.status(status).type('text/html; charset=utf-8').end(html);
};

const redirect = (response: Response, location: string): void => {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Location', location);
  response.status(303).end();
};

const queryOf = (request: Request): string => request.originalUrl.split(/\?(.*)/s)[1] ?? '';

/**
 * Pages instead of problems where a person looks. A refusal of SAML is always one: only browsers come with
 * such messages. Of anything else a program is told by the app's own handler, and a browser by a page
 * without the reason, which goes to the process's own log.
 */
const pagesFor =
  (onFault: OnFault): ErrorRequestHandler =>
  (error: unknown, request, response, next) => {
    if (error instanceof SamlRefusal) {
      response.locals.code = error.check;
      return sendPage(response, refusalPage(error, request.path === '/saml/slo'));
    }
    if (response.headersSent || request.accepts(['json', 'html']) !== 'html') return next(error);
    const known = isQuarterdeckError(error) ? error : undefined;
    if (known === undefined) onFault(error);
    const { status, title } = problemKinds[known?.code ?? 'internal'];
    const text = known?.message ?? 'Try again. If it happens again, tell whoever looks after Quarterdeck.';
    response.locals.code = known?.code ?? 'internal';
    sendPage(response, failurePage(status, title, text, known?.code ?? 'internal'));
  };

const refusalPage = ({ check, message }: SamlRefusal, signingOut: boolean): Page => {
  const noRole = check === 'no-role';
  const hint = noRole ? ' Ask whoever looks after access to Quarterdeck to give your group a role.' : '';
  const title = signingOut ? 'Signing out was not completed' : 'You could not be signed in';
  return failurePage(403, noRole ? 'No role for you yet' : title, message + hint, check);
};

export const authRouter = (access: Access, sso: SingleSignOn, onFault: OnFault): Router => {
  const { sp, directory, signIn, signOut } = sso;
  const { cookies, sessions } = access;
  const router = Router({ strict: true, caseSensitive: true });
  const secretOf = (request: Request) => cookieIn(request.headers.cookie, cookies.signInName);
  const tokenOf = (request: Request) => cookieIn(request.headers.cookie, cookies.sessionName);

  /** Whoever signs in once more does so where they did before. */
  const providerOf = async (request: Request): Promise<string | null> => {
    const token = tokenOf(request);
    const session = token === undefined ? undefined : await sessions.authenticate(token);
    return session?.provider ?? null;
  };

  const login = async (request: Request, response: Response): Promise<void> => {
    const query = new URLSearchParams(queryOf(request));
    const returnTo =
      query.getAll('return_to').length > 1 ? undefined : ownPath(query.get('return_to') ?? undefined);
    if (returnTo === undefined) {
      const text = 'return_to must be a path of Quarterdeck itself, such as /accounts.';
      return sendPage(response, failurePage(400, 'This link leads astray', text, 'malformed_request'));
    }
    // The cookie that binds the sign-in must be one of the host that the provider sends the browser back to.
    const elsewhere = sameMachineUnder(access.publicUrl, request.headers.host);
    if (elsewhere !== undefined) return redirect(response, `${elsewhere}${request.originalUrl}`);
    const forced = query.get('force') === 'true';
    const wanted = query.get('provider') ?? (forced ? await providerOf(request) : null);
    const providers = directory.all();
    const [only, ...more] = providers;
    const chosen = wanted === null && more.length === 0 ? only : providers.find(({ id }) => id === wanted);
    if (chosen === undefined) return sendPage(response, choiceOfProviderPage(providers, returnTo, forced));
    const { location, browserSecret } = await signIn.begin({
      provider: chosen.id,
      returnTo,
      browserSecret: secretOf(request),
      previousToken: tokenOf(request),
      ip: clientAddressOf(response),
      forced,
    });
    response.append('Set-Cookie', cookies.signIn(browserSecret, requestLifeMs / 1_000));
    redirect(response, location);
  };

  /** A form that is too large or malformed is refused as it would be elsewhere, and recorded as a sign-in. */
  const recordUnreadable: ErrorRequestHandler = (error: unknown, _request, response, next) => {
    const why = isQuarterdeckError(error) && error.code === 'too_large' ? 'size' : 'form';
    signIn.unreadable(why, clientAddressOf(response));
    next(error);
  };

  const acs = async (request: Request, response: Response): Promise<void> => {
    const posted = (request.body ?? {}) as Record<string, unknown>;
    const done = await signIn.finish({
      samlResponse: posted.SAMLResponse,
      relayState: posted.RelayState,
      browserSecret: secretOf(request),
      previousToken: tokenOf(request),
      ip: clientAddressOf(response),
      browser: request.headers['user-agent'],
    });
    response.append('Set-Cookie', cookies.session(done.token, done.expiresAt));
    redirect(response, done.returnTo);
  };

  const slo = async (request: Request, response: Response): Promise<void> => {
    const received =
      request.method === 'GET'
        ? { binding: 'redirect' as const, query: queryOf(request) }
        : { binding: 'post' as const, form: (request.body ?? {}) as Record<string, unknown> };
    redirect(response, await signOut.receive(received, clientAddressOf(response)));
  };

  /**
   * Our session ends in any case; a form, which a browser follows, is then led to the provider too. A page of
   * another site is refused although its request comes without the cookie: the answer would take it away,
   * and tell somebody whose session lives that they are signed out.
   */
  const logout = async (request: Request, response: Response): Promise<void> => {
    const token = tokenOf(request);
    if (!access.comesFromOwnOrigin(request.headers)) {
      throw new QuarterdeckError(
        'not_permitted',
        'Signing out is accepted from a page of our own origin only.',
      );
    }
    const isForm = typeof request.is('application/x-www-form-urlencoded') === 'string';
    const session = token === undefined ? undefined : await sessions.authenticate(token);
    const next =
      isForm && session !== undefined ? await signOut.atProvider(session, '/auth/signed-out') : undefined;
    if (token !== undefined) await signOut.end(token, clientAddressOf(response));
    response.append('Set-Cookie', cookies.endSession());
    if (isForm) return redirect(response, next ?? '/auth/signed-out');
    response.setHeader('Cache-Control', 'no-store');
    response.type('application/json; charset=utf-8').end('{}');
  };

  router.get('/saml/login', login);
  router.post('/saml/acs', form, recordUnreadable, acs);
  router.get('/saml/slo', slo);
  router.post('/saml/slo', form, slo);
  router.post('/logout', logout);
  router.get('/saml/metadata', (_request, response) => {
    response.type('application/samlmetadata+xml; charset=utf-8').end(sp.metadata());
  });
  router.get('/signed-out', (_request, response) => sendPage(response, signedOutPage()));
  router.use(pagesFor(onFault));
  return router;
};
