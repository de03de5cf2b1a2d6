/**
 * The publishers and viewers of a simulation. They look up a node through the API, occupy a slot on it, and leave; whose
 * session is lost looks up another. Publishers come first; each viewer watches a stream that is live, chosen at random.
 */
import { type Guest, Party } from "./party.ts";
import { type CrowdCounts, nothingCounted } from "./crowd-counts.ts";
import { Losses } from "./losses.ts";
import { RoomTracker, type SeenNode } from "./room-tracker.ts";
import {
  type LookUpAnswer,
  mostConnects,
  mostDisconnects,
  type SessionAnswer,
  type SessionRequest,
  type StreamName,
} from "./session-ports.ts";
import type { Audience, CrowdOptions } from "./crowd-options.ts";

/** A viewer asks once and then so often again, and gives up. */
const mostRejections = 4;
/** Somebody else comes in the place of one who gave up, so long (ms) after. */
const replacedAfterMs = 30_000;
/** Clients who lose their node, or are sent away, do not all come back at the same instant: within this time (ms). */
const jitterMs = 1_000;
const notLiveRetryMs = 1_000;
const lookUpsAtOnce = 50;
const scope = "live";

export class Crowd {
  readonly #options: CrowdOptions;
  readonly #viewers = new Party("subscribe");
  readonly #publishers = new Party("publish");
  readonly #rooms: RoomTracker;
  readonly #losses: Losses;
  readonly #tally = { ...nothingCounted };
  #target: Audience = { viewers: 0, publishers: 0 };
  /** When (ms) viewers gave up, oldest first, while nobody has come in their place. */
  #givenUpAt: number[] = [];
  /** Sessions to end at the next occasion. */
  #ending: string[] = [];
  #sessions = 0;
  /** Everybody who ever came. */
  #guests = 0;
  /** As the media servers tell it; another value when they have been started again. */
  #knownSince: number | undefined;
  #stepping: Promise<void> | undefined;
  #failure: string | undefined;
  #postponement: string | undefined;

  constructor(options: CrowdOptions) {
    this.#options = options;
    const nowMs = (): number => options.clock.monotonicMs();
    this.#rooms = new RoomTracker(nowMs);
    this.#losses = new Losses(this.#rooms, nowMs);
  }

  get counts(): CrowdCounts {
    return {
      ...this.#tally,
      ...this.#losses.counts,
      watching: this.#viewers.seated.length,
      publishing: this.#publishers.seated.length,
      waiting: this.#viewers.waiting,
      rejectedWithRoom: this.#rooms.rejectedWithRoom,
      rejectedWhileReserved: this.#rooms.rejectedWhileReserved,
    };
  }

  /** Why the media servers could not be reached at the last attempt; undefined when they could. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** What is wrong now: with the media servers, or else with the look-ups of the last step. */
  get trouble(): string | undefined {
    return this.#failure ?? this.#postponement;
  }

  /** How many there are to be, from the next step on. */
  setTarget(target: Audience): void {
    this.#target = target;
  }

  /** Takes in the fleet's nodes as they are now, to tell who was cut and whether the rejected were rightly so. */
  see(nodes: readonly SeenNode[]): void {
    this.#rooms.see(nodes);
    this.#losses.explain();
  }

  /** Lets clients come and go towards the target. To be called again every second or so; never two at once. */
  step(): Promise<void> {
    this.#stepping ??= this.#step().finally(() => (this.#stepping = undefined));
    return this.#stepping;
  }

  /** Everybody leaves. */
  async leave(): Promise<void> {
    await this.#stepping;
    this.#target = { viewers: 0, publishers: 0 };
    for (const party of [this.#viewers, this.#publishers]) {
      for (const guest of party.guests()) this.#dismiss(party, guest);
    }
    while (this.#ending.length > 0 && (await this.#exchange([])).kind === "Answered");
  }

  async #step(): Promise<void> {
    this.#postponement = undefined;
    this.#invitePublishers();
    await this.#seatDue(this.#publishers);
    this.#inviteViewers();
    await this.#seatDue(this.#viewers);
  }

  /** Streams are numbered from 1, so those with the highest numbers go first. */
  #invitePublishers(): void {
    const { publishers } = this.#target;
    const missing = new Set(Array.from({ length: publishers }, (_, index) => index + 1));
    for (const guest of this.#publishers.guests()) {
      if (!missing.delete(guest.stream)) this.#dismiss(this.#publishers, guest);
    }
    for (const stream of missing) this.#publishers.await(this.#newGuest(stream));
  }

  #inviteViewers(): void {
    const nowMs = this.#nowMs();
    this.#givenUpAt = this.#givenUpAt.filter((atMs) => atMs > nowMs - replacedAfterMs);
    const { viewers } = this.#target;
    for (const guest of this.#viewers.seated.filter(({ leavesMs = Infinity }) => leavesMs <= nowMs)) {
      this.#dismiss(this.#viewers, guest);
    }
    while (this.#viewers.size > viewers) {
      const guest = this.#viewers.anybody(this.#options.random());
      if (guest === undefined) return;
      this.#dismiss(this.#viewers, guest);
    }
    const coming = viewers - this.#viewers.size - this.#givenUpAt.length;
    for (let come = 0; come < coming; come++) this.#viewers.await(this.#newGuest(0));
    this.#tally.arrivals += Math.max(0, coming);
  }

  #newGuest(stream: number): Guest {
    this.#guests += 1;
    return { number: this.#guests, stream, dueMs: this.#nowMs(), rejections: 0, wasRejected: false };
  }

  #dismiss(party: Party, guest: Guest): void {
    if (guest.seat !== undefined) {
      this.#ending.push(guest.seat.id);
      this.#rooms.left(guest.seat.node);
    }
    party.remove(guest);
  }

  async #seatDue(party: Party): Promise<void> {
    const due = party.due(this.#nowMs(), mostConnects);
    const placed: Placed[] = [];
    const waiting = due.values();
    const worker = async (): Promise<void> => {
      for (const guest of waiting) {
        const found = await this.#lookUp(party, guest);
        if (found !== undefined) placed.push(found);
      }
    };
    await Promise.all(Array.from({ length: Math.min(lookUpsAtOnce, due.length) }, worker));
    if (placed.length > 0 || party === this.#viewers) await this.#connect(party, placed);
  }

  async #lookUp(party: Party, guest: Guest): Promise<Placed | undefined> {
    const stream = this.#streamFor(party, guest);
    if (stream === undefined) return undefined;
    this.#tally.lookUps += 1;
    const answer = await this.#options.lookUp(party.kind, stream, guest.number);
    if (answer.kind === "Placed") {
      this.#rooms.placed(answer.node);
      return { guest, stream, ...answer };
    }
    this.#sendAway(party, guest, answer);
    return undefined;
  }

  /** A viewer stays with the stream it has chosen as long as that is live. Undefined: there is none yet. */
  #streamFor(party: Party, guest: Guest): StreamName | undefined {
    if (party === this.#viewers) {
      const live = this.#publishers.seated;
      if (!live.some(({ stream }) => stream === guest.stream)) {
        guest.stream = live[Math.floor(this.#options.random() * live.length)]?.stream ?? 0;
      }
    }
    return guest.stream === 0 ? undefined : { scope, name: `stream-${guest.stream}` };
  }

  #sendAway(party: Party, guest: Guest, answer: Exclude<LookUpAnswer, { kind: "Placed" }>): void {
    switch (answer.kind) {
      case "NotLive":
        this.#postpone(guest, notLiveRetryMs);
        break;
      case "Later":
        this.#tally.postponed += 1;
        this.#postponement = answer.reason;
        this.#postpone(guest, answer.retryAfterMs);
        break;
      case "Full":
        this.#postpone(guest, answer.retryAfterMs);
        this.#reject(party, guest);
        break;
    }
  }

  #reject(party: Party, guest: Guest): void {
    this.#rooms.rejected(party.kind);
    guest.rejections += 1;
    if (!guest.wasRejected) {
      guest.wasRejected = true;
      this.#tally[party === this.#viewers ? "rejected" : "rejectedPublishers"] += 1;
    }
    if (party !== this.#viewers || guest.rejections < mostRejections) return;
    this.#tally.gaveUp += 1;
    this.#givenUpAt.push(this.#nowMs());
    party.remove(guest);
  }

  #postpone(guest: Guest, ms: number): void {
    guest.dueMs = this.#nowMs() + ms + this.#options.random() * jitterMs;
  }

  async #connect(party: Party, placed: readonly Placed[]): Promise<void> {
    const byId = new Map(placed.map((place) => [this.#newSessionId(), place]));
    const requests = [...byId].map(([id, { address, stream }]): SessionRequest => ({
      id,
      address,
      kind: party.kind,
      ...stream,
    }));
    const answer = await this.#exchange(requests);
    const connected = answer.kind === "Answered" ? new Set(answer.connected) : new Set<string>();
    if (answer.kind === "Answered") for (const id of answer.lost) connected.delete(id);
    for (const [id, { guest, node }] of byId) {
      if (!connected.has(id)) continue;
      byId.delete(id);
      party.seat(guest, { id, node });
      guest.rejections = 0;
      if (party === this.#viewers) this.#limitStay(guest);
      this.#rooms.joined(node);
    }
    if (answer.kind === "Answered") this.#tally.refused += byId.size;
    // Without an answer nobody knows whether they were connected: these sessions are ended, and others begun.
    else this.#ending.push(...byId.keys());
    for (const { guest } of byId.values()) this.#postpone(guest, 0);
  }

  /** Counted from the first seat: who is moved to another node watches no longer for that. */
  #limitStay(guest: Guest): void {
    const { staySeconds, random } = this.#options;
    if (staySeconds !== undefined) guest.leavesMs ??= this.#nowMs() + staySeconds * 1_000 * (0.5 + random());
  }

  async #exchange(connect: readonly SessionRequest[]): Promise<SessionAnswer> {
    const disconnect = this.#ending.slice(0, mostDisconnects);
    const answer = await this.#options.media({ connect, disconnect });
    this.#failure = answer.kind === "Failed" ? answer.reason : undefined;
    if (answer.kind === "Failed") return answer;
    this.#ending = this.#ending.slice(disconnect.length);
    this.#noticeRestart(answer.knownSince);
    for (const id of answer.lost) this.#lose(id);
    return answer;
  }

  /** Media servers that have been started again know nothing of the sessions they had, and so cannot tell them lost. */
  #noticeRestart(knownSince: number): void {
    const forgotten = this.#knownSince !== undefined && this.#knownSince !== knownSince;
    this.#knownSince = knownSince;
    if (!forgotten) return;
    for (const party of [this.#viewers, this.#publishers]) {
      for (const { seat } of [...party.seated]) if (seat !== undefined) this.#lose(seat.id);
    }
  }

  #lose(id: string): void {
    for (const party of [this.#viewers, this.#publishers]) {
      const guest = party.bySession(id);
      if (guest?.seat === undefined) continue;
      const { node } = guest.seat;
      this.#losses.add(node);
      this.#rooms.left(node);
      party.await(guest);
      this.#postpone(guest, 0);
    }
  }

  #newSessionId(): string {
    this.#sessions += 1;
    return `${this.#options.client}-${this.#sessions}`;
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}

/** A guest to whom a look-up has named a node. */
interface Placed {
  readonly guest: Guest;
  readonly stream: StreamName;
  readonly node: string;
  readonly address: string;
}
