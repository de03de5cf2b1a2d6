/** A CustomResourceDefinition that uses everything the server is asked about; no kind of the product. */

const group = "conformance.streamfleet.dev";

const role = {
  type: "object",
  required: ["role"],
  "x-kubernetes-validations": [{ rule: "self.min <= self.max", message: "min must not exceed max" }],
  properties: {
    role: { type: "string", enum: ["origin", "edge"] },
    min: { type: "integer", minimum: 0, default: 0 },
    max: { type: "integer", minimum: 0, default: 1 },
  },
};

const spec = {
  type: "object",
  description: "What is wanted.",
  required: ["size", "platform"],
  "x-kubernetes-validations": [
    { rule: "!has(self.limit) || self.size <= self.limit", message: "size must not exceed limit", fieldPath: ".size" },
    {
      rule: "!has(self.labels) || self.labels.all(k, !k.startsWith('reserved/'))",
      message: "keys must not start with reserved/",
    },
    { rule: "!has(self.ratio) || self.ratio < 2.0", messageExpression: "'too much for ' + self.platform" },
    { rule: "!has(self.ratio) || self.ratio >= 0.0" },
  ],
  properties: {
    size: { type: "integer", format: "int64", minimum: 0, maximum: 100, description: "How many." },
    limit: { type: "integer", format: "int64" },
    platform: { type: "string", maxLength: 10, enum: ["aws", "gce", "simulated"] },
    region: {
      type: "string",
      pattern: "^[a-z0-9-]+$",
      minLength: 2,
      maxLength: 20,
      "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "region is immutable" }],
    },
    mode: { type: "string", default: "Calm", enum: ["Calm", "Busy"] },
    paused: { type: "boolean" },
    ratio: { type: "number" },
    until: { type: "string", format: "date-time" },
    note: { type: "string", nullable: true },
    regions: {
      type: "array",
      "x-kubernetes-list-type": "set",
      minItems: 1,
      maxItems: 3,
      items: { type: "string", maxLength: 10 },
    },
    labels: { type: "object", maxProperties: 3, additionalProperties: { type: "string", maxLength: 8 } },
    raw: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    roles: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["role"],
      maxItems: 4,
      items: role,
    },
    aws: { type: "object", properties: { type: { type: "string" } } },
    wait: { type: "object", default: {}, properties: { outSeconds: { type: "integer", default: 30 } } },
  },
};

const condition = {
  type: "object",
  required: ["type", "status"],
  properties: { type: { type: "string" }, status: { type: "string" }, reason: { type: "string" } },
};

const status = {
  type: "object",
  properties: {
    ready: { type: "integer", maximum: 10 },
    conditions: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
      maxItems: 4,
      items: condition,
    },
  },
};

export const widgetCrd = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: {
      kind: "Widget",
      listKind: "WidgetList",
      plural: "widgets",
      singular: "widget",
      shortNames: ["wd"],
      categories: ["conformance"],
    },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        selectableFields: [{ jsonPath: ".spec.platform" }],
        additionalPrinterColumns: [
          { name: "Size", type: "integer", jsonPath: ".spec.size" },
          { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: "Roles", type: "string", jsonPath: ".spec.roles[*].role", priority: 1 },
          { name: "Paused", type: "boolean", jsonPath: ".spec.paused" },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
        schema: {
          openAPIV3Schema: {
            type: "object",
            description: "A thing to ask the server about.",
            required: ["spec"],
            "x-kubernetes-validations": [
              { rule: "size(self.metadata.name) <= 30", message: "name may have at most 30 characters" },
            ],
            properties: {
              apiVersion: { type: "string" },
              kind: { type: "string" },
              metadata: { type: "object" },
              spec,
              status,
            },
          },
        },
      },
    ],
  },
} as const;

export const widgetType = { group, version: "v1", kind: "Widget", plural: "widgets", namespaced: true } as const;
