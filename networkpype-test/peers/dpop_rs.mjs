// A resource server: npm's oauth4webapi checks JWT access tokens (RFC 9068) and DPoP proofs.
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { folder, listen, load, ready } from './common.mjs';

const { allowInsecureRequests, clockTolerance, validateJwtAccessToken } = await load('oauth4webapi');
const { ISSUER, DPOP_NONCE } = process.env;
const audience = 'urn:np:api';
const issuerKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...issuerKey.publicKey.export({ format: 'jwk' }), kid: 'a1', alg: 'ES256', use: 'sig' };
const usedProofs = new Set();

class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// What the library leaves to its users: a proof counts once, and with the nonce that was asked for.
function checkProof(proof) {
  const { jti, nonce } = JSON.parse(Buffer.from(proof.split('.')[1], 'base64url'));
  if (DPOP_NONCE && nonce !== DPOP_NONCE) throw new Refusal('use_dpop_nonce');
  if (usedProofs.has(jti)) throw new Refusal('invalid_dpop_proof');
  usedProofs.add(jti);
}

async function subject(incoming) {
  const request = new Request(own + incoming.url, { method: incoming.method, headers: incoming.headers });
  const { sub } = await validateJwtAccessToken(authorizationServer, request, audience, {
    requireDPoP: incoming.url.startsWith('/d'),
    [allowInsecureRequests]: true,
    [clockTolerance]: 0,
  });
  if (incoming.headers.dpop) checkProof(incoming.headers.dpop);
  return sub;
}

const server = http.createServer(async (incoming, response) => {
  incoming.resume();
  if (DPOP_NONCE) response.setHeader('DPoP-Nonce', DPOP_NONCE);
  if (incoming.url === '/jwks') {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ keys: [jwk] }));
    return;
  }
  try {
    response.end(`ok ${await subject(incoming)}`);
  } catch (error) {
    const code = error instanceof Refusal ? error.code : 'invalid_token';
    const scheme = incoming.url.startsWith('/d') || incoming.headers.dpop ? 'DPoP algs="ES256",' : 'Bearer';
    response.writeHead(401, { 'WWW-Authenticate': `${scheme} error="${code}"` });
    response.end(`${error.message} ${error.cause?.message ?? ''}\n`);
  }
});
const port = await listen(server);
const own = `http://127.0.0.1:${port}`;
const issuer = ISSUER || own;
const authorizationServer = { issuer, jwks_uri: `${issuer}/jwks` };

const facts = { port, issuer, audience };
// Without an authorization server to trust, whoever has this key is one.
if (!ISSUER) {
  const file = `${folder()}/issuer.pem`;
  writeFileSync(file, issuerKey.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  Object.assign(facts, { issuer_key: file, issuer_kid: jwk.kid });
}
ready(facts);
