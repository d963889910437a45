/** What OpenAPI says about the routes that are not made from definitions and served elsewhere. */
import type { Operation } from '../route.ts';
import { query } from './parts.ts';
import { flag, json, ref, text } from './schemas.ts';
import { toolOperations } from './tools.ts';

const html = { 'text/html': { schema: text } };
const xml = { 'application/xml': { schema: text } };
const form = (field: string) => ({
  'application/x-www-form-urlencoded': {
    schema: { type: 'object', properties: { [field]: text }, required: [field] },
  },
});

/** Answered without a session. */
export const openOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/livez',
    operationId: 'livez',
    tag: 'Operating',
    summary: 'The process answers',
    answers: [{ status: 200, description: 'Alive.', content: json(ref('Health')) }],
    codes: [],
  },
  {
    method: 'get',
    path: '/readyz',
    operationId: 'readyz',
    tag: 'Operating',
    summary: 'The process can do its work: migrated, connected and projecting',
    answers: [
      { status: 200, description: 'Ready.', content: json(ref('Health')) },
      {
        status: 503,
        description: 'Not ready; `missing` says why.',
        content: json(ref('Health')),
        headers: ['Retry-After'],
      },
    ],
    codes: [],
  },
  {
    method: 'get',
    path: '/metrics',
    operationId: 'metrics',
    tag: 'Operating',
    summary: 'Metrics for Prometheus',
    answers: [
      { status: 200, description: 'Prometheus text format.', content: { 'text/plain': { schema: text } } },
    ],
    codes: [],
  },
  {
    method: 'get',
    path: '/problems',
    operationId: 'problems',
    tag: 'Documentation',
    summary: 'What each code of a problem means and what to do about it; `type` leads there',
    answers: [{ status: 200, description: 'A page.', content: html }],
    codes: [],
  },
  {
    method: 'get',
    path: '/auth/saml/login',
    operationId: 'samlLogin',
    tag: 'Signing in',
    summary: 'Start signing in at the identity provider',
    parameters: [
      query('return_to', text, 'A path of this origin to come back to.'),
      query('provider', text, 'The identity provider’s id; asked for where there are several.'),
      query('force', flag, 'Prove at the provider once more who you are, whatever session it has.'),
    ],
    answers: [{ status: 303, description: 'To the identity provider.' }],
    codes: ['malformed_request'],
  },
  {
    method: 'post',
    path: '/auth/saml/acs',
    operationId: 'samlAssertion',
    tag: 'Signing in',
    summary: 'Where the identity provider sends its assertion',
    body: { required: true, content: form('SAMLResponse') },
    answers: [{ status: 303, description: 'Signed in; the session cookie is set.' }],
    codes: ['malformed_request', 'not_authenticated'],
  },
  {
    method: 'get',
    path: '/auth/saml/metadata',
    operationId: 'samlMetadata',
    tag: 'Signing in',
    summary: 'Our SAML metadata, for the identity provider',
    answers: [{ status: 200, description: 'Metadata.', content: xml }],
    codes: [],
  },
  {
    method: 'get',
    path: '/auth/saml/slo',
    operationId: 'samlLogoutRedirect',
    tag: 'Signing in',
    summary: 'Single logout, redirect binding',
    answers: [{ status: 303, description: 'Signed out.' }],
    codes: ['malformed_request'],
  },
  {
    method: 'post',
    path: '/auth/saml/slo',
    operationId: 'samlLogoutPost',
    tag: 'Signing in',
    summary: 'Single logout, POST binding',
    body: { required: true, content: form('SAMLRequest') },
    answers: [{ status: 303, description: 'Signed out.' }],
    codes: ['malformed_request'],
  },
  {
    method: 'post',
    path: '/auth/logout',
    operationId: 'logout',
    tag: 'Signing in',
    summary: 'Sign out',
    answers: [
      { status: 200, description: 'The session is over.', content: json({ type: 'object' }) },
      { status: 303, description: 'The same for a form, which is then led to the identity provider.' },
    ],
    codes: ['not_permitted'],
  },
  ...toolOperations,
];

export const meOperation: Operation = {
  method: 'get',
  path: '/internal/v1/me',
  operationId: 'me',
  tag: 'Signing in',
  summary: 'Who you are and what you may do',
  answers: [{ status: 200, description: 'Principal, roles, permissions, tool.', content: json(ref('Me')) }],
  codes: [],
};

export const documentOperation: Operation = {
  method: 'get',
  path: '/internal/openapi.json',
  operationId: 'openapi',
  tag: 'Documentation',
  summary: 'This document',
  answers: [{ status: 200, description: 'OpenAPI 3.1.', content: json({ type: 'object' }) }],
  codes: [],
};

export const docsOperation: Operation = {
  method: 'get',
  path: '/internal/docs',
  operationId: 'docs',
  tag: 'Documentation',
  summary: 'This document as a page to read',
  answers: [{ status: 200, description: 'A page.', content: html }],
  codes: [],
};
