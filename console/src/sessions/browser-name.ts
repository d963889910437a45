/** What a browser's `User-Agent` says of it, in the words that people know. Pure. */
const browsers: readonly (readonly [string, RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\/(\d+)/],
  ['Opera', /\bOPR\/(\d+)/],
  ['Samsung Internet', /\bSamsungBrowser\/(\d+)/],
  ['Firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /\b(?:HeadlessChrome|Chrome|CriOS|Chromium)\/(\d+)/],
  ['Safari', /\bVersion\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//],
];

const systems: readonly (readonly [string, RegExp])[] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
];

/** `Chrome 140 on Linux`; what nobody knows is told as it stands. */
export const browserName = (userAgent: string): string => {
  const found = browsers.find(([, pattern]) => pattern.test(userAgent));
  if (found === undefined) return userAgent.slice(0, 40);
  const version = found[1].exec(userAgent)?.[1] ?? '';
  const system = systems.find(([, pattern]) => pattern.test(userAgent))?.[0];
  return `${found[0]} ${version}${system === undefined ? '' : ` on ${system}`}`;
};
