// An authorization server: npm's oidc-provider. `Kind::Oidc` in ../src/peers/kind.rs tells its clients and knobs.
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { folder, listen, load, ready } from './common.mjs';

const { Provider } = await load('oidc-provider');
const { AT_TTL = '60', AT_FORMAT = 'jwt', DPOP_NONCE, TLS_CERT, TLS_KEY, CLIENT_CA, CLIENT_CERT } = process.env;
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

// What TLS has found out about the client is all that the provider is told of it.
const peer = (ctx) => ctx.socket.getPeerCertificate();
const mTLS = {
  enabled: true,
  tlsClientAuth: true,
  selfSignedTlsClientAuth: true,
  getCertificate: (ctx) => peer(ctx).raw && new X509Certificate(peer(ctx).raw).toString(),
  certificateAuthorized: (ctx) => ctx.socket.authorized,
  certificateSubjectMatches: (ctx, property, expected) =>
    property === 'tls_client_auth_subject_dn' && expected === `CN=${peer(ctx).subject.CN}`,
};
if (TLS_CERT) {
  const certificate = new X509Certificate(readFileSync(CLIENT_CERT));
  const jwk = { ...certificate.publicKey.export({ format: 'jwk' }), x5c: [certificate.raw.toString('base64')] };
  clients.push(
    service('tlsca', 'tls_client_auth', { tls_client_auth_subject_dn: 'CN=tlsca' }),
    service('tlsself', 'self_signed_tls_client_auth', { jwks: { keys: [jwk] } }),
  );
}

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
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt',
    ...(TLS_CERT ? ['tls_client_auth', 'self_signed_tls_client_auth'] : [])],
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
    ...(TLS_CERT && { mTLS }),
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
const tls = TLS_CERT && { cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) };
const server = tls ? https.createServer(tls) : http.createServer();
const port = await listen(server);
const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
const servers = [server];
if (tls) {
  // Another port asks for certificates, as with many servers: browsers would show a dialogue for it.
  const asking = https.createServer({ ...tls, ca: readFileSync(CLIENT_CA), requestCert: true, rejectUnauthorized: false });
  configuration.discovery = { mtls_endpoint_aliases: { token_endpoint: `https://127.0.0.1:${await listen(asking)}/token` } };
  servers.push(asking);
}
const callback = new Provider(issuer, configuration).callback();
for (const listening of servers) listening.on('request', callback);
ready({ port, issuer, pkjwt_key: clientKeyFile, pkjwt_kid: 'ck1', audience });
