import type { SchemaIssue } from "../schema.ts";

/** Further ones tell nobody more. */
const maxIssues = 32;

/** What is found wrong with a value, and where in it the look is at. */
export class Finding {
  readonly issues: SchemaIssue[] = [];
  readonly #path: (string | number)[] = [];

  get isFull(): boolean {
    return this.issues.length >= maxIssues;
  }

  add(message: string): void {
    if (!this.isFull) this.issues.push({ message, path: [...this.#path] });
  }

  /** Looks at what has that key in the value. */
  within(key: string | number, look: () => void): void {
    this.enter(key);
    look();
    this.leave();
  }

  enter(key: string | number): void {
    this.#path.push(key);
  }

  leave(): void {
    this.#path.pop();
  }

  /** For one of several alternatives: what it finds is not yet found wrong. */
  apart(): Finding {
    const other = new Finding();
    for (const key of this.#path) other.enter(key);
    return other;
  }

  take(issues: readonly SchemaIssue[]): void {
    for (const issue of issues) if (!this.isFull) this.issues.push(issue);
  }
}
