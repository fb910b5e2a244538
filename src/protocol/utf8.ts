// Source: spec/protocol.md, "Text". Written without TextEncoder and TextDecoder, because a browser-like test
// environment, such as Jest's jsdom, may have neither.

const replacement = 0xfffd;

/** As many whole characters as fit into `maxBytes` bytes. Half of a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string, maxBytes = Number.POSITIVE_INFINITY): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const encoded = encodeCodePoint(character.codePointAt(0) as number);
    if (bytes.length + encoded.length > maxBytes) break;
    bytes.push(...encoded);
  }
  return Uint8Array.from(bytes);
}

function encodeCodePoint(given: number): number[] {
  const point = given >= 0xd800 && given <= 0xdfff ? replacement : given;
  const last = 0x80 | (point & 0x3f);
  if (point < 0x80) return [point];
  if (point < 0x800) return [0xc0 | (point >> 6), last];
  const middle = 0x80 | ((point >> 6) & 0x3f);
  if (point < 0x1_0000) return [0xe0 | (point >> 12), middle, last];
  return [0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f), middle, last];
}

/** Each longest part of an incomplete character becomes U+FFFD, as does each other invalid byte. */
export function decodeUtf8(bytes: Uint8Array): { readonly text: string; readonly valid: boolean } {
  let text = "";
  let valid = true;
  for (let at = 0; at < bytes.length; ) {
    const { point, count } = decodeCodePoint(bytes, at);
    valid &&= point !== undefined;
    text += String.fromCodePoint(point ?? replacement);
    at += count;
  }
  return { text, valid };
}

/** How many bytes follow the first, and the bounds of the second, which exclude overlong forms and surrogates. */
function formOf(first: number): readonly [following: number, lowest: number, highest: number] | undefined {
  if (first < 0x80) return [0, 0, 0];
  if (first < 0xc2) return undefined;
  if (first < 0xe0) return [1, 0x80, 0xbf];
  if (first < 0xf0) return [2, first === 0xe0 ? 0xa0 : 0x80, first === 0xed ? 0x9f : 0xbf];
  return first < 0xf5 ? [3, first === 0xf0 ? 0x90 : 0x80, first === 0xf4 ? 0x8f : 0xbf] : undefined;
}

function decodeCodePoint(bytes: Uint8Array, at: number): { readonly point?: number; readonly count: number } {
  const first = bytes[at] as number;
  const form = formOf(first);
  if (form === undefined) return { count: 1 };
  let [following, lowest, highest] = form;
  let point = following === 0 ? first : first & (0x3f >> following);
  for (let count = 1; following > 0; count++, following--) {
    const next = bytes[at + count];
    if (next === undefined || next < lowest || next > highest) return { count };
    point = (point << 6) | (next & 0x3f);
    [lowest, highest] = [0x80, 0xbf];
  }
  return { point, count: 1 + form[0] };
}
