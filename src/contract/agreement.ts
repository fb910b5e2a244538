import { type Client, type Connection, PeerError, type PeerInfo, RemoteError } from "../index.ts";
import { mismatches } from "./changes.ts";
import { decodeData, json } from "./codec.ts";
import { type Contract, type ContractInfo, infoOf } from "./contract.ts";
import { type ContractDescription, exportContract, identityOf, parseDescription } from "./description.ts";
import { carrierOf } from "./event-carrier.ts";
import { describeType } from "./members.ts";

/** How long a peer may take to describe its contract. */
const describeTimeoutMs = 5_000;

export interface AgreeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** What a caller knows of the contract as the peer has it. */
export class Agreement {
  readonly #endpoint: Client | Connection;
  readonly #contract: Contract;
  readonly #about: ContractInfo;
  /** The members that the peer has; `undefined` if it does not tell. */
  #members: ReadonlySet<string> | undefined;
  /** With what the peer was asked last, so that it is not asked again after each reconnect. */
  #hash: Uint8Array | undefined;

  constructor(endpoint: Client | Connection, contract: Contract) {
    this.#endpoint = endpoint;
    this.#contract = contract;
    this.#about = infoOf(contract);
  }

  has(name: string): boolean {
    if (!Object.hasOwn(this.#about.members, name)) return false;
    // Golang-ipc's wire has messages alone.
    if (this.#endpoint.profile === "classic" && this.#about.members[name]?.kind !== "event") return false;
    return this.#members?.has(name) ?? true;
  }

  /**
   * Looks at what the peer has told of itself, and asks it for its description if it has another version.
   * @throws PeerError `ERR_CONTRACT_MISMATCH`, and what a request may fail with.
   */
  async check(options: AgreeOptions = {}): Promise<void> {
    const { peer } = this.#endpoint;
    if (peer === undefined || this.#endpoint.profile === "classic") return;
    checkCodec(this.#about, peer);
    if (peer.contracts.length === 0) return;
    const theirs = peer.contracts.find(({ name }) => name === this.#about.name);
    if (theirs === undefined)
      throw mismatch(`the peer speaks of ${namesOf(peer)}, not of "${this.#about.name}"`);
    if (this.#hash !== undefined && isSame(this.#hash, theirs.hash)) return;
    await this.#compare(theirs.version, theirs.hash, options);
    this.#hash = theirs.hash;
  }

  async #compare(version: string, hash: Uint8Array, options: AgreeOptions): Promise<void> {
    if (isSame(hash, identityOf(this.#contract).hash)) {
      this.#members = new Set(Object.keys(this.#about.members));
      return;
    }
    const theirs = await this.#ask(options);
    this.#members = theirs && new Set(Object.keys(theirs.members));
    if (theirs === undefined) return;
    const bySubject = carrierOf(this.#endpoint) !== undefined;
    const found = mismatches(exportContract(this.#contract), theirs, { bySubject });
    if (found.length === 0) return;
    const versions = `version "${this.#about.version}" here, "${version}" at the peer`;
    throw mismatch(`contract "${this.#about.name}" (${versions}): ${found.slice(0, maxTold).join("; ")}`);
  }

  /** Of a peer that does not describe its contract nothing is known, and each call finds out by itself. */
  async #ask({
    signal,
    timeoutMs = describeTimeoutMs,
  }: AgreeOptions): Promise<ContractDescription | undefined> {
    const { name } = this.#about;
    const answer = await this.#endpoint
      .request(describeType, name, { signal, timeoutMs })
      .catch((error: unknown) => {
        if (error instanceof RemoteError) return undefined;
        throw error;
      });
    if (answer === undefined) return undefined;
    try {
      return parseDescription(decodeData(json, answer.data));
    } catch (error) {
      throw mismatch(`the peer's description of "${name}" is none: ${(error as Error).message}`, error);
    }
  }
}

/** Of however many differences. */
const maxTold = 8;

function checkCodec({ name, codec }: ContractInfo, peer: PeerInfo): void {
  if (peer.codec === "" || peer.codec === codec.name) return;
  throw mismatch(`contract "${name}" is encoded as ${codec.name} here, and as ${peer.codec} by the peer`);
}

function namesOf({ contracts }: PeerInfo): string {
  return contracts.map(({ name }) => `"${name}"`).join(", ");
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, index) => byte === other[index]);
}

function mismatch(message: string, cause?: unknown): PeerError {
  return new PeerError("ERR_CONTRACT_MISMATCH", message, cause === undefined ? undefined : { cause });
}
