import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Token } from "./token.ts";

/** Why a request is refused: its status, and what it is told. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
}

/**
 * On every answer. Nothing of the page is inline or evaluated, it talks to nobody else, nobody frames or embeds it, and nothing of
 * it is kept by the browser. There are no CORS headers: no other origin may read anything.
 */
export const securityHeaders: OutgoingHttpHeaders = Object.freeze({
  "Content-Security-Policy": [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), usb=()",
  "Cache-Control": "no-store",
});

/** Decides which requests are answered at all. */
export class Gate {
  readonly #host: string;
  readonly #token: Token;

  constructor(host: string, token: Token) {
    this.#host = host;
    this.#token = token;
  }

  /**
   * Any request: a name of somebody else that resolves to this machine is another origin to the browser, and would make its pages
   * this one's (DNS rebinding).
   */
  refusal(request: IncomingMessage): Refusal | undefined {
    const hosts = valuesOf(request, "host");
    if (hosts.length !== 1 || hosts[0] !== this.#host) return { status: 421, text: "wrong Host" };
    const origins = valuesOf(request, "origin");
    const isForeign = origins.some((origin) => origin !== this.#origin);
    return isForeign ? { status: 403, text: "wrong Origin" } : undefined;
  }

  /** A request that gets or does something: it is a POST, so that a browser always says where it is from. */
  callRefusal(request: IncomingMessage): Refusal | undefined {
    const origins = valuesOf(request, "origin");
    if (origins.length !== 1 || origins[0] !== this.#origin) return { status: 403, text: "wrong Origin" };
    const tokens = valuesOf(request, "authorization");
    const isProven = tokens.length === 1 && this.#token.isIn(tokens[0]);
    return isProven ? undefined : { status: 401, text: "wrong token" };
  }

  get #origin(): string {
    return `http://${this.#host}`;
  }
}

/** As they came: Node takes the first of several. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}
