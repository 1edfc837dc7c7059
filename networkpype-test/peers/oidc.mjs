// An authorization server: npm's oidc-provider. `Kind::Oidc` in ../src/peers/kind.rs tells its clients and knobs.
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { folder, listen, load, ready } from './common.mjs';

const { Provider } = await load('oidc-provider');
const { AT_TTL = '60', AT_FORMAT = 'jwt', DPOP_NONCE } = process.env;
const audience = 'urn:np:api';

const clientKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const clientKeyFile = `${folder()}/pkjwt.pem`;
writeFileSync(clientKeyFile, clientKey.privateKey.export({ type: 'pkcs8', format: 'pem' }));
const clientJwk = { ...clientKey.publicKey.export({ format: 'jwk' }), kid: 'ck1', alg: 'ES256', use: 'sig' };

// A client that gets tokens for itself, and thereby has nowhere to send a browser back to.
const service = (client_id, token_endpoint_auth_method, more) => ({
  client_id, token_endpoint_auth_method, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], ...more,
});

const clients = [
  service('cc', 'client_secret_basic', { client_secret: 'cc-secret-&=+ %:x' }),
  service('ccpost', 'client_secret_post', { client_secret: 'ccpost-secret' }),
  service('csjwt', 'client_secret_jwt', { client_secret: 'csjwt-secret-csjwt-secret-csjwt-secret' }),
  service('pkjwt', 'private_key_jwt', { jwks: { keys: [clientJwk] }, token_endpoint_auth_signing_alg: 'ES256' }),
  {
    client_id: 'native',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    // Of a loopback redirect the port is free.
    redirect_uris: ['http://127.0.0.1/cb'],
  },
];

const resourceServer = {
  audience,
  scope: 'read write',
  accessTokenTTL: Number(AT_TTL),
  accessTokenFormat: AT_FORMAT,
  jwt: { sign: { alg: 'RS256' } },
};

// It signs with keys that it brings, since an RSA key takes longer to make than all the rest of a start.
const configuration = {
  clients,
  cookies: { keys: ['peer'] },
  scopes: ['openid', 'offline_access', 'read', 'write'],
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
  pkce: { required: () => true },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  // A token that was used stays known, and its second use revokes all that came of the same grant.
  rotateRefreshToken: true,
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => DPOP_NONCE === '1' },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => resourceServer,
    },
  },
};

// The issuer has the port in it, and is told to the provider before it can answer.
const server = http.createServer();
const port = await listen(server);
const issuer = `http://127.0.0.1:${port}`;
server.on('request', new Provider(issuer, configuration).callback());
ready({ port, issuer, pkjwt_key: clientKeyFile, pkjwt_kid: 'ck1', audience });
