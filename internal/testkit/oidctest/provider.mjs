// Runs oidc-provider over TLS on a free port of loopback, for one test. Commands come
// as lines of JSON on stdin, and each is answered by a line on stdout; the first starts
// the server. It ends when stdin does, so it cannot outlive the test.
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

console.info = console.log = console.error; // stdout is for answers

const [installation] = process.argv.slice(2);
const module = pathToFileURL(join(installation, 'node_modules/oidc-provider/lib/index.js'));
const { default: Provider } = await import(module.href);

let accounts = {};
let clients = [];
let issuer;
let handle;

function newKey(type, options, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg };
}

// A provider with new keys under the same issuer; what it issued before stays known.
function renew() {
  const provider = new Provider(issuer, {
    clients,
    jwks: {
      keys: [
        newKey('rsa', { modulusLength: 2048 }, 'RS256'),
        newKey('ec', { namedCurve: 'P-256' }, 'ES256'),
        newKey('ed25519', {}, 'EdDSA'),
      ],
    },
    cookies: { keys: [createHash('sha256').update(issuer).digest('hex')] },
    claims: { openid: ['sub', 'amr'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    clientAuthMethods: [...new Set(clients.map((client) => client.token_endpoint_auth_method ?? 'client_secret_basic'))],
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    findAccount: (_, id) => id in accounts
      ? { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }
      : undefined,
  });
  handle = provider.callback();
}

const commands = {
  start({ key, certificate, clients: known }) {
    clients = known;
    const server = createServer({ key, cert: certificate }, (request, response) => handle(request, response));
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        issuer = `https://127.0.0.1:${server.address().port}`;
        renew();
        resolve({ issuer });
      });
    });
  },
  clients({ clients: known }) { clients = known; renew(); },
  accounts({ accounts: known }) { accounts = known; },
  rotate: renew,
};

const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  const { command, ...rest } = JSON.parse(line);
  const answer = await commands[command](rest);
  process.stdout.write(`${JSON.stringify(answer ?? {})}\n`);
}
process.exit(0);
