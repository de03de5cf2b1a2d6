/** The closed taxonomy of what a cloud may refuse. Drivers translate their SDK's errors into it by table, once. */
export type PlatformError =
  | { readonly kind: "NotFound"; readonly message: string }
  | { readonly kind: "InsufficientCapacity"; readonly message: string; readonly zone?: string }
  | { readonly kind: "QuotaExceeded"; readonly message: string }
  /** Sending the same request again cannot help. */
  | { readonly kind: "InvalidRequest"; readonly message: string }
  | { readonly kind: "Unauthorized"; readonly message: string }
  | { readonly kind: "Throttled"; readonly message: string; readonly retryAfterMs?: number }
  /** The outcome is not known: a time-out, a 5xx, a broken connection. The call may have worked. */
  | { readonly kind: "Unavailable"; readonly message: string };

export type PlatformErrorKind = PlatformError["kind"];
