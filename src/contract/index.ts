/**
 * Typed methods, streams and events, checked at both ends.
 *
 * @module sealpipe/contract
 */

export {
  type BindOptions,
  type Bound,
  bind,
  type Call,
  type Calls,
  type Emit,
  type HeardBy,
  type On,
  type Open,
  type SentBy,
} from "./bind.ts";
export { bytes } from "./bytes.ts";
export type { CalledStream, ReadingEnd, StreamEnd, WritingEnd } from "./called-stream.ts";
export { type ContractChange, checkContract } from "./changes.ts";
export { type Codec, json } from "./codec.ts";
export { type Contract, type ContractInfo, type ContractOptions, contract } from "./contract.ts";
export { ContractError, type ErrorOf, isError, type OwnErrors } from "./contract-error.ts";
export type { Delivery, Retention } from "./delivery.ts";
export {
  type ContractDescription,
  type EventDescription,
  exportContract,
  type MemberDescription,
  type MethodDescription,
  offer,
  type StreamDescription,
} from "./description.ts";
export {
  type Caller,
  type Context,
  type Fail,
  type Handlers,
  type HandlersOf,
  type Implementable,
  type Implementation,
  implement,
  type Returned,
  type StreamContext,
  type Streamed,
} from "./implement.ts";
export { type FromJsonSchemaOptions, fromJsonSchema } from "./json-schema/from-json-schema.ts";
export {
  type Changed,
  type DataOf,
  type Direction,
  type ErrorDataOf,
  type ErrorSchemas,
  type Event,
  event,
  type Member,
  type Members,
  type Method,
  method,
  type Received,
  type Sent,
  type StreamMember,
  stream,
} from "./members.ts";
export type { InputOf, JsonSchema, OutputOf, Schema, SchemaIssue, SchemaResult } from "./schema.ts";
export { connect, type Served, serve } from "./serve.ts";
export type { Issue } from "./validation.ts";
