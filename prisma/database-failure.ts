/** Why a PostgreSQL server cannot be used, in one line that says what to do. */
import { driverMessage, failureCode, sqlState } from "./sql-state.ts";

/** Which database is meant. Never the password. */
export interface DatabaseTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly schema: string;
}

type Advice = (target: DatabaseTarget, said: string) => string;

const rights: Advice = ({ user, schema }, said) =>
  `${said}: a role that owns schema ${schema} runs \`streamfleet migrate\`, and grants ${user} USAGE on the schema and its sequences, SELECT, INSERT, UPDATE and DELETE on its tables`;

const access: Advice = (_target, said) =>
  `${said}: look at user and password in DATABASE_URL, and at the server's pg_hba.conf`;

const refusesForNow: Advice = (_target, said) => `${said}: it is tried again`;

/** By SQLSTATE. */
const saidByServer: Readonly<Record<string, Advice>> = {
  "3D000": ({ database, host, port }) =>
    `there is no database ${database} at ${host}:${port}: create it, or name another in DATABASE_URL`,
  "28P01": access,
  "28000": access,
  "42501": rights,
  "3F000": ({ schema, user }) =>
    `there is no schema ${schema} that ${user} may use: \`streamfleet migrate\` creates it as a role with the right to`,
  "42P01": ({ schema }, said) => `${said} in schema ${schema}: run \`streamfleet migrate\``,
  "53100": ({ host, port }) => `the disk of the server at ${host}:${port} is full: make room there`,
  "53200": ({ host, port }) => `the server at ${host}:${port} has no memory left`,
  "53300": ({ host, port }, said) => `${said} at ${host}:${port}: raise max_connections, or use fewer replicas`,
  "25006": ({ host, port }) => `the server at ${host}:${port} is read-only: name the primary in DATABASE_URL`,
  "55P03": (_target, said) => `${said}: another session holds a lock`,
  "57014": (_target, said) => `${said}: another session may hold a lock, or the server is overloaded`,
  "57P01": refusesForNow,
  "57P02": refusesForNow,
  "57P03": refusesForNow,
};

const nobodyAnswers: Advice = ({ host, port }, said) =>
  `nothing answers at ${host}:${port} (${said}): look whether PostgreSQL runs there, and at the host and port in DATABASE_URL`;

const noSuchName: Advice = ({ host }, said) =>
  `the name ${host} is not known (${said}): look at the host in DATABASE_URL`;

const untrusted: Advice = ({ host }, said) =>
  `the certificate of ${host} is not trusted here (${said}): name its authority with sslrootcert=FILE in DATABASE_URL, or go without the check by sslmode=no-verify`;

/** By the code of Node, or of Prisma for the same. */
const saidHere: Readonly<Record<string, Advice>> = {
  ...{ ECONNREFUSED: nobodyAnswers, ETIMEDOUT: nobodyAnswers, EHOSTUNREACH: nobodyAnswers, ENETUNREACH: nobodyAnswers },
  ...{ ECONNRESET: nobodyAnswers, EPIPE: nobodyAnswers, P1001: nobodyAnswers, P1002: nobodyAnswers },
  ...{ ENOTFOUND: noSuchName, EAI_AGAIN: noSuchName },
  ...{ DEPTH_ZERO_SELF_SIGNED_CERT: untrusted, SELF_SIGNED_CERT_IN_CHAIN: untrusted, CERT_HAS_EXPIRED: untrusted },
  ...{ UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted, UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted },
  ERR_TLS_CERT_ALTNAME_INVALID: untrusted,
};

/** By words, where there is no code. */
const saidInWords: readonly (readonly [RegExp, Advice])[] = [
  [/does not support SSL/, (_target, said) => `${said}: turn TLS on there, or leave sslmode out of DATABASE_URL`],
  [/time-?out|timed out/i, nobodyAnswers],
  [/password must be a string/, () => "the server asks for a password: write one into DATABASE_URL"],
  [/terminated|connection ended|not queryable/i, nobodyAnswers],
];

/** One line for people about a failure of a database, or of the way to it. */
export function databaseFailure(cause: unknown, target: DatabaseTarget): string {
  const said = driverMessage(cause);
  const state = sqlState(cause);
  const byState = state === undefined ? undefined : saidByServer[state];
  // The server's own word on an unencrypted connection.
  if (state === "28000" && said.includes("no encryption"))
    return `${said}: ask for TLS with sslmode=require in DATABASE_URL`;
  if (byState !== undefined) return byState(target, said);
  const code = failureCode(cause);
  const advice = code === undefined ? undefined : saidHere[code];
  if (advice !== undefined) return advice(target, said.includes(code ?? "") ? said : `${said}, ${code ?? ""}`);
  const byWords = saidInWords.find(([pattern]) => pattern.test(said));
  return byWords === undefined ? said : byWords[1](target, said);
}
