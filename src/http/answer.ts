/**
 * Sending answers. Not `response.json`: that would add a weak ETag made from the bytes, where an ETag
 * here is always a version.
 */
import type { Response } from 'express';

export const sendJson = (response: Response, body: unknown, status = 200): void => {
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.status(status).end(JSON.stringify(body));
};

/** A version as a strong entity tag. */
export const setVersion = (response: Response, version: number): void => {
  response.setHeader('ETag', `"${version}"`);
};

export const setPosition = (response: Response, position: number): void => {
  response.setHeader('Quarterdeck-Position', String(position));
};
