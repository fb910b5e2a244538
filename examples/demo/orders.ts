/** What the demo's processes tell the one that watches them. */
export type Report =
  | { readonly kind: "status"; readonly status: string }
  | { readonly kind: "connected"; readonly encrypted: boolean; readonly clients: number }
  | { readonly kind: "left"; readonly clients: number }
  | { readonly kind: "received"; readonly member: string; readonly text: string };

/** What it tells them to do. */
export type Order =
  | { readonly do: "greet" | "news" | "note"; readonly text: string }
  | { readonly do: "close" };

export function report(line: Report): void {
  process.send?.(line);
}

export function onOrder(obey: (order: Order) => void): void {
  process.on("message", (order) => obey(order as Order));
}
