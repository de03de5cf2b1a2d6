import { describe, expect, it } from "@jest/globals";
import type { Machine } from "../../domain/node/machine.ts";
import { instant } from "../../domain/time.ts";
import { toListing, type Listing, type Moment } from "../../platforms/listing.ts";
import { SightingHistory } from "../../platforms/sighting-history.ts";

const machine: Machine = {
  ...{ providerId: "m", platform: "simulated", region: "r", zone: "ra", state: "Running" },
  ...{ instanceType: "small", image: "image-1", launchIndex: 0, launchedAt: instant(0), tags: {} },
};

function moment(ms: number): Moment {
  return { at: instant(1_000_000 + ms), monotonicMs: ms };
}

function listing(startedMs: number, machines: readonly Machine[] = []): Listing {
  return toListing(machines, "r", moment(startedMs));
}

describe("sighting book", () => {
  it("counts the lag of a machine that a listing showed first from that listing's end", () => {
    const book = new SightingHistory({ visibilityLagMs: 100, memoryMs: 10_000 });
    book.record(listing(0, [machine]), 50);
    const absences = [120, 150, 151].map((startedMs) => {
      book.record(listing(startedMs), startedMs);
      const sighting = book.sighting("m", moment(startedMs));
      return sighting.kind === "Missing" ? sighting.absence.listings : sighting.kind;
    });
    expect(absences).toEqual([0, 0, 1]);
  });

  it("starts anew when a machine shows up again", () => {
    const book = new SightingHistory({ visibilityLagMs: 0, memoryMs: 10_000 });
    book.record(listing(0, [machine]), 0);
    book.record(listing(10), 10);
    book.record(listing(20, [machine]), 20);
    expect(book.sighting("m", moment(20))).toEqual({ kind: "Seen", machine, at: moment(20).at });
    book.record(listing(30), 30);
    const absence = { listings: 1, since: moment(30).at, spanMs: 0 };
    expect(book.sighting("m", moment(30))).toEqual({ kind: "Missing", machine, lastSeenAt: moment(20).at, absence });
  });

  it("does not take the cloud's word that a machine is gone for a proof that it exists", () => {
    const book = new SightingHistory({ visibilityLagMs: 0, memoryMs: 10_000 });
    book.record(listing(0, [machine]), 0);
    book.record(listing(10), 10);
    book.observe({ ...machine, state: "Terminated" }, moment(15));
    expect(book.sighting("m", moment(15))).toMatchObject({ kind: "Missing", absence: { listings: 1 } });
    expect(book.machine("m")?.state).toBe("Terminated");
  });
});
