import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, hex } from "../support/bytes.ts";
import { byteAtATime, type Cutting, whole } from "../support/cutting.ts";
import {
  type ClassicState,
  classicStates,
  clientHandshake,
  type Path,
  paths,
  serverHandshake,
} from "../support/engine-states.ts";
import { wireFor } from "../support/hand-made-peer.ts";
import { DrivenEngine, story } from "./driven-engine.ts";
import { cuttings, damage, damaged, piece } from "./inputs.ts";
import { type Target, target } from "./target.ts";

const limits = { maxMessageBytes: 200 };

/** Every way into a state, each as what brings a fresh engine there. */
function entrancesOf(state: ClassicState): (() => DrivenEngine)[] {
  if (state !== "closing" && state !== "closed") {
    return paths[state].map((path) => () => DrivenEngine.on(path, { limits }));
  }
  const open = entrancesOf("open");
  if (state === "closing") return open.map((enter) => () => enter().pass(1_000).close());
  return open.flatMap((enter) => [
    () => enter().receiveEnd(),
    () => enter().receiveAll([hex("ff ff ff ff")]),
    () => enter().close().passAll(),
  ]);
}

function nonsenseIn(state: ClassicState): Target {
  const entrances = entrancesOf(state);
  const input = fc.tuple(fc.nat(entrances.length - 1), fc.array(piece, { maxLength: 8 }), cuttings);
  return target(
    `${state}: whatever a peer says is waited out or ends in a documented code`,
    100,
    input,
    (chosen) => {
      const [entrance, pieces, cutting] = chosen;
      const driven = (entrances[entrance] as () => DrivenEngine)();
      assert.equal(driven.state, state);
      driven.receiveAll(cutting(concat(...pieces))).receiveEnd();
      if (driven.state === "closing") driven.passAll();
      assert.equal(driven.state, "closed");
    },
  );
}

const sessions = (["client", "server"] as const).flatMap((role) =>
  [true, false].map((encrypted) => ({
    role,
    encrypted,
    bytes: concat(
      role === "client" ? serverHandshake(encrypted) : clientHandshake(encrypted),
      ...[1, 0, 0xffff_ffff].map((type) => wireFor(encrypted).message(type, hex("0a 0b 0c"))),
    ),
  })),
);

function damagedSession({ role, encrypted, bytes }: Path): Target {
  const input = fc.tuple(fc.array(damage, { maxLength: 4 }), cuttings, fc.boolean());
  const wire = encrypted ? "sealed" : "plain";
  return target(
    `${role}, ${wire}: a damaged session ends the same however it is cut`,
    100,
    input,
    (chosen) => {
      const [list, cutting, encryption] = chosen;
      const said = damaged(bytes, list);
      const hear = (cutting: Cutting): string => {
        // Only a client may insist on what its server does not do.
        const driven = new DrivenEngine({
          role,
          encryption: role === "client" ? encryption : encrypted,
          limits,
        });
        return story(driven.receiveAll(cutting(said)).receiveEnd());
      };
      const expected = hear(whole);
      assert.equal(hear(cutting), expected);
      assert.equal(hear(byteAtATime), expected);
    },
  );
}

export const handshakeTargets: readonly Target[] = [
  ...classicStates.map(nonsenseIn),
  ...sessions.map(damagedSession),
];
