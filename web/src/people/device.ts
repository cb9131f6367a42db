/* Browsers say at length what they are like (RFC 9110 §10.1.5); people know them by a name. */

/* The first that fits: most of them also name those that stand behind them. */
const BROWSERS: [RegExp, string][] = [
  [/KAKAOTALK/i, 'KakaoTalk'],
  [/\bNAVER\(/, 'NAVER'],
  [/\bWhale\//, 'Whale'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bEdg(A|iOS)?\//, 'Edge'],
  [/\b(OPR|OPiOS)\//, 'Opera'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
];

const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/* "Chrome, Windows" for a browser; what anything else calls itself, as it is. */
export function deviceName(user_agent: string): string {
  const browser = named(BROWSERS, user_agent);
  const system = named(SYSTEMS, user_agent);
  return browser ? [browser, system].filter(Boolean).join(', ') : user_agent;
}

function named(names: [RegExp, string][], user_agent: string): string | undefined {
  return names.find(([mark]) => mark.test(user_agent))?.[1];
}
