/** The embedded API in memory: with the Widget definition, or with the definitions of the product. */
import { randomUUID } from "node:crypto";
import { type ObjectPersistence, ObjectStore } from "../../local/kube/object-store.ts";
import type { Clock } from "../../domain/ports.ts";
import { customResourceDefinitions } from "../../crds/definitions.ts";
import { EmbeddedApi, type Faults } from "../../local/kube/embedded-api.ts";
import { FakeClock } from "./fake-clock.ts";
import { widgetCrd } from "./widget-crd.ts";

export interface EmbeddedOptions {
  readonly persistence?: ObjectPersistence;
  readonly historySize?: number;
  readonly clock?: Clock;
  readonly faults?: Faults;
  readonly namespaces?: readonly string[];
}

export function widgetApi(options: EmbeddedOptions = {}): EmbeddedApi {
  return embeddedApi([widgetCrd], options);
}

/** With the CRDs of the product. */
export function productApi(options: EmbeddedOptions = {}): EmbeddedApi {
  return embeddedApi(customResourceDefinitions(), options);
}

function embeddedApi(
  crds: readonly unknown[],
  { persistence, historySize, clock, faults, namespaces = [] }: EmbeddedOptions,
): EmbeddedApi {
  const store = new ObjectStore({
    ...(persistence === undefined ? {} : { persistence }),
    ...(historySize === undefined ? {} : { historySize }),
  });
  return new EmbeddedApi({
    crds,
    store,
    clock: clock ?? new FakeClock(),
    newUid: randomUUID,
    namespaces,
    ...(faults === undefined ? {} : { faults }),
  });
}
