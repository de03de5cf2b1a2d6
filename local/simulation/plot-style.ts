/** The colours of a picture, in light and in the dark. */

export const plotStyle = `
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2933; }
.title { font-size: 14px; font-weight: 600; }
.quiet { fill: #52606d; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.ground { fill: #ffffff; }
.grid { stroke: #d5dbe1; stroke-width: 1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.wanted { fill: none; stroke: #7b8794; stroke-width: 1.5; stroke-dasharray: 2 3; }
.watching { stroke: #1264a3; }
.capacity { stroke: #2e7d32; }
.threshold { fill: none; stroke: #b7791f; stroke-width: 1.5; stroke-dasharray: 7 4; }
.alarm { fill: #d64545; fill-opacity: 0.14; }
.service { fill: #6fa86f; }
.starting { fill: #9cc4e4; }
.draining { fill: #e0b25c; }
.rejected { fill: #d64545; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .quiet { fill: #9aa5b1; }
  .ground { fill: #15191e; }
  .grid { stroke: #343c46; }
  .wanted { stroke: #9aa5b1; }
  .watching { stroke: #63b3ed; }
  .capacity { stroke: #68d391; }
  .threshold { stroke: #f6ad55; }
  .alarm { fill: #fc8181; fill-opacity: 0.2; }
  .service { fill: #3f8a58; }
  .starting { fill: #3b6f9c; }
  .draining { fill: #a8762f; }
  .rejected { fill: #fc8181; }
}
`;
