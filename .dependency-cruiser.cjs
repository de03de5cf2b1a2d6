/**
 * The layers, checked: crds < domain < platforms | runtime | prisma < fleet < controllers | api < local < cli < main.
 * A folder imports only from itself and from its left.
 */
const shared = ["crds", "domain", "platforms", "runtime", "prisma", "fleet"];
const layers = [
  { folder: "crds", allowed: [] },
  { folder: "domain", allowed: [] },
  { folder: "platforms", allowed: ["crds", "domain"] },
  { folder: "runtime", allowed: ["crds", "domain"] },
  { folder: "prisma", allowed: ["crds", "domain"] },
  { folder: "fleet", allowed: ["crds", "domain", "platforms", "runtime", "prisma"] },
  { folder: "controllers", allowed: shared },
  { folder: "api", allowed: shared },
  { folder: "local", allowed: [...shared, "controllers", "api"] },
  { folder: "cli", allowed: [...shared, "controllers", "api", "local"] },
];

const project =
  "^(crds|domain|platforms|runtime|prisma|fleet|controllers|api|local|cli|test|bench|checks|main)(/|\\.ts$)";

const layerRules = layers.map(({ folder, allowed }) => ({
  name: `${folder}-imports-only-from-its-left`,
  severity: "error",
  from: { path: `^${folder}/` },
  to: {
    path: project,
    pathNot: `^(${[folder, ...allowed].join("|")})/`,
    ...(folder === "domain" && { dependencyTypesNot: ["type-only"] }),
  },
}));

/** A package that belongs to one place. */
const only = (name, packages, folders) => ({
  name,
  severity: "error",
  from: {
    path: "^(crds|domain|platforms|runtime|prisma|fleet|controllers|api|local|cli|main)",
    pathNot: `^(${folders.join("|")})(/|\\.ts$)`,
  },
  to: { path: `node_modules/(${packages.join("|")})/` },
});

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: "domain-takes-only-types-from-crds",
      comment: "The core is pure: from crds it takes types, from npm and node nothing.",
      severity: "error",
      from: { path: "^domain/" },
      to: { pathNot: "^(domain|crds)/" },
    },
    {
      name: "domain-takes-no-values-from-crds",
      severity: "error",
      from: { path: "^domain/" },
      to: { path: "^crds/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "controllers-do-not-import-each-other",
      severity: "error",
      from: { path: "^controllers/([^/]+)/" },
      to: { path: "^controllers/([^/]+)/", pathNot: "^controllers/$1/" },
    },
    {
      name: "drivers-do-not-import-each-other",
      severity: "error",
      from: { path: "^platforms/([^/]+)/" },
      to: { path: "^platforms/([^/]+)/", pathNot: "^platforms/$1/" },
    },
    only("kubernetes-client-only-in-runtime", ["@kubernetes"], ["runtime"]),
    only("express-only-in-api-and-local", ["express"], ["api", "local"]),
    only("database-only-in-prisma", ["@prisma", "pg", "@electric-sql", "pglite-prisma-adapter"], ["prisma"]),
    only("metrics-and-logger-only-in-runtime", ["prom-client", "pino"], ["runtime"]),
    {
      name: "nothing-imports-benchmarks-or-checks",
      severity: "error",
      from: { pathNot: "^(bench|checks)/" },
      to: { path: "^(bench|checks)/" },
    },
    {
      name: "nothing-imports-tests",
      severity: "error",
      from: { pathNot: "^test/" },
      to: { path: "^test/" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolved", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(prisma/generated|node_modules/\\.cache|coverage)" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "types", "default"] },
  },
};
