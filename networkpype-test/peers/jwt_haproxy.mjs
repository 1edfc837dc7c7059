// A resource server: HAProxy, which checks tokens by keys that it was given.
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { folder, ready, run } from './common.mjs';

const here = folder();
const audience = 'urn:np:api';
const secret = 'hs-secret-hs-secret-hs-secret-hs';

function keyPair(name, ...how) {
  const { publicKey, privateKey } = generateKeyPairSync(...how);
  writeFileSync(`${here}/${name}.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(`${here}/${name}.pub`, publicKey.export({ type: 'spki', format: 'pem' }));
}
keyPair('rs256', 'rsa', { modulusLength: 2048 });
keyPair('es256', 'ec', { namedCurve: 'P-256' });

// Each algorithm has a key of its own: who signs with HS256 and the text of a public key must not get in.
const verified = Object.entries({ RS256: `${here}/rs256.pub`, ES256: `${here}/es256.pub`, HS256: secret }).map(([algorithm, key]) =>
  `  http-request set-var(txn.valid) http_auth_bearer,jwt_verify(txn.alg,"${key}") if { var(txn.alg) -m str ${algorithm} }`);

const configuration = (port) => `
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s

frontend api
  bind 127.0.0.1:${port}
  http-request return status 401 hdr WWW-Authenticate 'Bearer realm="api"' unless { http_auth_bearer -m found }
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
${verified.join('\n')}
  http-request return status 401 hdr WWW-Authenticate 'Bearer realm="api", error="invalid_token"' unless { var(txn.valid) -m int 1 }
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request return status 401 hdr WWW-Authenticate 'Bearer realm="api", error="invalid_token", error_description="expired"' if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request set-var(txn.aud) http_auth_bearer,jwt_payload_query('$.aud')
  http-request return status 403 hdr WWW-Authenticate 'Bearer realm="api", error="insufficient_scope"' unless { var(txn.aud) -m str ${audience} }
  http-request return status 200 content-type text/plain string ok
`;

const port = await run('haproxy', (port) => {
  writeFileSync(`${here}/haproxy.cfg`, configuration(port));
  return ['-db', '-f', `${here}/haproxy.cfg`];
});
ready({ port, rs256_key: `${here}/rs256.pem`, es256_key: `${here}/es256.pem`, hs256_secret: secret, audience });
