/** The message types that the demo's programs agree on. */
export const types = { greeting: 1, answer: 2, news: 3, later: 4 } as const;

/** What the demo's processes tell the one that watches them. */
export type Report =
  | { readonly kind: "status"; readonly status: string }
  | { readonly kind: "connected"; readonly encrypted: boolean; readonly clients: number }
  | { readonly kind: "left"; readonly clients: number }
  | { readonly kind: "received"; readonly type: number; readonly text: string };

/** What it tells them to do. */
export type Order =
  | { readonly do: "write"; readonly type: number; readonly text: string }
  | { readonly do: "close" };

export function report(line: Report): void {
  process.send?.(line);
}

export function onOrder(obey: (order: Order) => void): void {
  process.on("message", (order) => obey(order as Order));
}
