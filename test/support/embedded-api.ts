/** The embedded API with the Widget definition, in memory and over HTTP, on the clock of this machine. */
import { randomUUID } from "node:crypto";
import type { ObjectPersistence } from "../../local/kube/object-store.ts";
import type { Clock } from "../../domain/time.ts";
import { EmbeddedApi, type Faults } from "../../local/kube/embedded-api.ts";
import { ObjectStore } from "../../local/kube/object-store.ts";
import { FakeClock } from "./fake-clock.ts";
import { widgetCrd } from "./widget-crd.ts";

export interface WidgetApiOptions {
  readonly persistence?: ObjectPersistence;
  readonly historySize?: number;
  readonly clock?: Clock;
  readonly faults?: Faults;
}

export function widgetApi({ persistence, historySize, clock, faults }: WidgetApiOptions = {}): EmbeddedApi {
  const store = new ObjectStore({
    ...(persistence === undefined ? {} : { persistence }),
    ...(historySize === undefined ? {} : { historySize }),
  });
  return new EmbeddedApi({
    crds: [widgetCrd],
    store,
    clock: clock ?? new FakeClock(),
    newUid: randomUUID,
    ...(faults === undefined ? {} : { faults }),
  });
}
