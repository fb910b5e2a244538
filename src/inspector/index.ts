/**
 * A page that shows what goes on in a process.
 *
 * @module sealpipe/inspector
 */

export type { InspectorOptions } from "./options.ts";
export { type Inspector, startInspector } from "./start-inspector.ts";
