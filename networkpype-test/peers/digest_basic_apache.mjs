// Passwords: Apache's mod_auth_digest (MD5, qop=auth) under /d/ and mod_auth_basic under /b/.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { apache } from './apache.mjs';
import { folder, ready } from './common.mjs';

const { NONCE_TTL = '2' } = process.env;
const here = folder();
const realm = 'realm1';
const users = { u: 'p:w', jäsøn: 'sécret' };

for (const name of ['b', 'd']) {
  mkdirSync(`${here}/www/${name}`, { recursive: true });
  writeFileSync(`${here}/www/${name}/index.html`, 'ok\n');
}

const passwords = (name, line) => {
  writeFileSync(`${here}/${name}`, Object.entries(users).map(([user, password]) => `${line(user, password)}\n`).join(''));
  return `${here}/${name}`;
};
const hash = (algorithm, text, encoding) => createHash(algorithm).update(text).digest(encoding);
const digest = passwords('digest', (user, password) => `${user}:${realm}:${hash('md5', `${user}:${realm}:${password}`, 'hex')}`);
const basic = passwords('basic', (user, password) => `${user}:{SHA}${hash('sha1', password, 'base64')}`);

const modules = ['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user', 'auth_basic', 'auth_digest', 'dir'];
const port = await apache(here, modules, () => `
DirectoryIndex index.html
# Short of threads, it closes connections that are kept open, under requests that are on their way.
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
<Location /d>
  AuthType Digest
  AuthName ${realm}
  AuthDigestProvider file
  AuthUserFile ${digest}
  AuthDigestNonceLifetime ${NONCE_TTL}
  Require valid-user
</Location>
<Location /b>
  AuthType Basic
  AuthName ${realm}
  AuthUserFile ${basic}
  Require valid-user
</Location>
`);
ready({ port, realm });
