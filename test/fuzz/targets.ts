// What holds whatever a peer or a caller does: `npm test` tries each with some hundred inputs, `npm run fuzz` with as
// many as it is asked for. A further target is a further row.

import { batchTargets } from "./batch-gcm.ts";
import { bufferTargets } from "./buffers.ts";
import { callerTargets } from "./caller.ts";
import { contractTargets } from "./contracts.ts";
import { pairTargets } from "./engine-pair.ts";
import { frameTargets } from "./frames.ts";
import { handshakeTargets } from "./handshake.ts";
import { lentMemoryTargets } from "./lent-memory.ts";
import { nativeFrameTargets } from "./native-frames.ts";
import { nativeLaneTargets } from "./native-lanes.ts";
import { nativePairTargets } from "./native-pair.ts";
import type { Target } from "./target.ts";

export const targets: readonly Target[] = [
  ...handshakeTargets,
  ...frameTargets,
  ...bufferTargets,
  ...pairTargets,
  ...callerTargets,
  ...contractTargets,
  ...nativeFrameTargets,
  ...nativeLaneTargets,
  ...nativePairTargets,
  ...batchTargets,
  ...lentMemoryTargets,
];
