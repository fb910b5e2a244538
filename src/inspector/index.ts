export type { InspectorOptions } from "./options.ts";
export { type Inspector, startInspector } from "./start-inspector.ts";
