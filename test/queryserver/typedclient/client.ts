// A client that is generated from the server's own description: what does not follow
// from the description does not compile.
import assert from "node:assert/strict";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];
type Problem = Schemas["Problem"];
type Answer<T> = { data?: T; error?: Problem; response: Response };

function environment(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

const baseUrl = environment("URL_OF_SERVER");

function as(token?: string): Client<paths> {
  return createClient<paths>({ baseUrl, ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }) });
}

// must is the body of an answer that is no error.
function must<T>(answer: Answer<T>, status = 200): T {
  assert.equal(answer.error, undefined, JSON.stringify(answer.error));
  assert.equal(answer.response.status, status);
  return answer.data as T;
}

// refused is the problem of an answer that is one.
function refused(answer: Answer<unknown>, status: number, code: string): Problem {
  const problem = answer.error;
  assert.ok(problem, `there is no problem, but ${answer.response.status}`);
  assert.equal(answer.response.status, status);
  assert.equal(problem.status, status);
  assert.equal(problem.code, code);
  assert.match(problem.instance, /^urn:request:/);
  return problem;
}

async function login(): Promise<Client<paths>> {
  const body = { email: environment("EMAIL"), password: environment("PASSWORD") };
  refused(await as().POST("/api/v2/auth/login", { body: { ...body, password: "wrong" } }), 401, "unauthenticated");
  const session = must(await as().POST("/api/v2/auth/login", { body }));
  assert.ok(session.accessToken && session.refreshToken && !session.mfaRequired);
  const next = must(await as().POST("/api/v2/auth/refresh", { body: { refreshToken: session.refreshToken } }));
  assert.ok(next.accessToken);
  return as(next.accessToken);
}

async function users(api: Client<paths>): Promise<void> {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const query = cursor === undefined ? { limit: 2 } : { limit: 2, cursor };
    const page = must(await api.GET("/api/v2/users", { params: { query } }));
    seen.push(...page.items.map((user) => user.email));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.equal(seen.length, Number(environment("USERS")));
  assert.deepEqual(seen, [...seen].sort());
}

async function roles(api: Client<paths>): Promise<void> {
  const made = must(
    await api.POST("/api/v2/roles", {
      body: { name: "Checkout", permissions: ["logs:read"], filter: [{ dimension: "service", values: ["checkout"] }] },
    }),
    201,
  );
  const params = { path: { id: made.roleId } };
  must(await api.PUT("/api/v2/roles/{id}", { params, body: { name: "Checkout", permissions: ["logs:read", "metrics:read"] } }), 204);
  const role = must(await api.GET("/api/v2/roles/{id}", { params }));
  assert.deepEqual(role.permissions, ["logs:read", "metrics:read"]);
  assert.equal(role.builtIn, false);
  must(await api.DELETE("/api/v2/roles/{id}", { params }), 204);
  refused(await api.GET("/api/v2/roles/{id}", { params }), 404, "not_found");
  const all = must(await api.GET("/api/v2/roles"));
  assert.deepEqual(all.items.map((r) => r.name).sort(), ["Administrator", "Developer", "Owner", "Viewer"]);
}

async function apiKeys(api: Client<paths>, tenantId: string, workspaceId: string): Promise<void> {
  const key = must(await api.POST("/api/v2/api-keys", { body: { name: "reader", workspaceId, tenantId, permissions: ["metrics:read"] } }), 201);
  const params = { path: { id: key.keyId } };
  const me = must(await as(`${key.keyId}:${key.secret}`).GET("/api/v2/auth/me"));
  assert.equal(me.kind, "api_key");
  assert.equal(me.tenantId, tenantId);
  const rotated = must(await api.POST("/api/v2/api-keys/{id}/rotate", { params, body: { graceSeconds: 60 } }));
  assert.notEqual(rotated.secret, key.secret);
  must(await api.DELETE("/api/v2/api-keys/{id}", { params }), 204);
  const listed = must(await api.GET("/api/v2/api-keys")).items.find((k) => k.keyId === key.keyId);
  assert.ok(listed?.revokedAt);
  const problem = refused(await api.POST("/api/v2/api-keys", { body: { name: "", permissions: ["users:write"] } }), 400, "invalid");
  assert.ok(problem.errors?.some((field) => field.location === "body.name"));
}

async function serviceAccounts(api: Client<paths>, tenantId: string): Promise<void> {
  const viewer = must(await api.GET("/api/v2/roles")).items.find((role) => role.name === "Viewer");
  assert.ok(viewer);
  const { id } = must(await api.POST("/api/v2/service-accounts", { body: { name: "grafana", roles: [{ roleId: viewer.roleId, tenantId }] } }), 201);
  const token = must(await api.POST("/api/v2/service-accounts/{id}/tokens", { params: { path: { id } }, body: { name: "first" } }), 201);
  const account = as(token.token);
  assert.equal(must(await account.GET("/api/v2/auth/me")).kind, "service_account");
  refused(await account.GET("/api/v2/users"), 403, "forbidden");
  must(await api.DELETE("/api/v2/service-accounts/{id}/tokens/{tokenId}", { params: { path: { id, tokenId: token.tokenId } } }), 204);
  must(await api.DELETE("/api/v2/service-accounts/{id}", { params: { path: { id } } }), 204);
}

const api = await login();
const me = must(await api.GET("/api/v2/auth/me"));
assert.equal(me.kind, "user");
assert.ok(me.tenantId && me.workspaceId);
await users(api);
await roles(api);
await apiKeys(api, me.tenantId, me.workspaceId);
await serviceAccounts(api, me.tenantId);
must(await api.POST("/api/v2/auth/logout"), 204);
refused(await api.GET("/api/v2/auth/me"), 401, "unauthenticated");
console.log("typed client: done");
