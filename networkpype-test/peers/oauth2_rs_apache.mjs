// A resource server: Apache's mod_oauth2, which checks access tokens by keys that it fetches.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { apache } from './apache.mjs';
import { folder, ready } from './common.mjs';

const here = folder();
const resources = `${here}/www`;
for (const name of ['j', 'd']) {
  mkdirSync(`${resources}/${name}`, { recursive: true });
  writeFileSync(`${resources}/${name}/i`, 'ok\n');
}

// Without an authorization server to trust, whoever has this key is one.
const facts = {};
if (!process.env.JWKS_URI) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'r1', alg: 'RS256', use: 'sig' };
  writeFileSync(`${here}/issuer.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(`${resources}/jwks`, JSON.stringify({ keys: [jwk] }));
  Object.assign(facts, { issuer_key: `${here}/issuer.pem`, issuer_kid: 'r1' });
}

const port = await apache(here, ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'oauth2'], (own) => {
  const keys = process.env.JWKS_URI || `http://127.0.0.1:${own}/jwks`;
  // What was found out about a token is remembered for a second and not longer.
  const verify = `OAuth2TokenVerify jwks_uri ${keys} jwks_uri.ssl_verify=false&expiry=1`;
  return `
${verify}&verify.exp=required
<Location /j>
  AuthType oauth2
  Require valid-user
</Location>
<Location /d>
  AuthType oauth2
  OAuth2AcceptTokenIn header name=Authorization&type=DPoP
  ${verify}&type=dpop
  Require valid-user
</Location>`;
});
ready({ port, ...facts });
