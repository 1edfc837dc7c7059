//! Which servers are there, and how is each started?

use std::path::{Path, PathBuf};
use std::process::Command;

/// A server that somebody else wrote.
///
/// "Knobs" are what [`Peer::start`](super::Peer::start) can be given, "facts" what
/// [`Peer::get`](super::Peer::get) knows. Keys are PEM files (PKCS #8) that are made anew at each
/// start and live as long as the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// An authorization server: npm's oidc-provider.
    ///
    /// Its endpoints are in `/.well-known/openid-configuration`, among them `/token`, `/auth`,
    /// `/device/auth`, `/token/introspection`, `/token/revocation` and `/jwks`. Scopes: `read`,
    /// `write`, and `openid offline_access` for people. Access tokens are for the resource
    /// `urn:np:api`, and are signed with RS256.
    ///
    /// | client | authentication | secret | grants |
    /// |---|---|---|---|
    /// | `cc` | `client_secret_basic` | `cc-secret-&=+ %:x` | client credentials |
    /// | `ccpost` | `client_secret_post` | `ccpost-secret` | client credentials |
    /// | `csjwt` | `client_secret_jwt`, HS256 | `csjwt-secret-csjwt-secret-csjwt-secret` | client credentials |
    /// | `pkjwt` | `private_key_jwt`, ES256 | fact `pkjwt_key` | client credentials |
    /// | `native` | none; PKCE with S256 is demanded | | code, refresh, device code |
    ///
    /// The secret of `cc` must be form-encoded before it goes into the header. An assertion's `aud`
    /// is the issuer, and its `jti` is taken once. `native` is sent back to
    /// `http://127.0.0.1:{any port}/cb`. Its refresh tokens rotate, and one that comes twice revokes
    /// all that came of the same login. [`approve`](super::approve) and
    /// [`decline`](super::decline) are the person at the browser.
    ///
    /// Knobs: `AT_TTL`, seconds an access token lives (60); `AT_FORMAT`, `jwt` or `opaque` (`jwt`);
    /// `DPOP_NONCE=1` demands the server's nonce in `DPoP` proofs. `TLS_CERT` and `TLS_KEY`, files of
    /// its certificate and key, have it speak TLS alone; then `CLIENT_CA` and `CLIENT_CERT` name the
    /// authority of clients' certificates, and one certificate, and there are two clients more:
    /// `tlsca` (`tls_client_auth`: of that authority, for `CN=tlsca`) and `tlsself`
    /// (`self_signed_tls_client_auth`: that certificate), both for client credentials. They are asked for
    /// their certificates at the endpoints in `mtls_endpoint_aliases` alone.
    /// Facts: `issuer`, `audience`, `pkjwt_key`, `pkjwt_kid`.
    Oidc,
    /// An authorization server: PyPI's Authlib, which takes assertions (RFC 7523, section 2.1) at `/token`.
    ///
    /// `robot` may sign for `user1`, with ES256. The assertion's `aud` is the issuer. Scopes: `read`, `write`.
    ///
    /// Facts: `issuer`, `robot_key`, `robot_kid`.
    Oauth2Authlib,
    /// A resource server: Apache with `mod_oauth2`, which fetches the keys it checks tokens by.
    ///
    /// `/j/i` takes Bearer tokens signed with RS256 that expire, `/d/i` takes `DPoP` tokens. What it
    /// found out about a token it remembers for a second.
    ///
    /// Knobs: `JWKS_URI`, the keys to trust, such as `/jwks` of a [`Kind::Oidc`].
    /// Facts, without that knob: `issuer_key` and `issuer_kid`, to sign tokens with.
    Oauth2RsApache,
    /// A resource server: `HAProxy`, which takes Bearer tokens at every path.
    ///
    /// RS256, ES256 and HS256, each by its own key; 401 for a bad or an expired token, 403 for
    /// another audience.
    ///
    /// Facts: `rs256_key`, `es256_key`, `hs256_secret`, `audience`.
    JwtHaproxy,
    /// Passwords: Apache, Digest (MD5, `qop=auth`) under `/d/` and Basic under `/b/`.
    ///
    /// Users, in UTF-8: `u` with `p:w`, and `jäsøn` with `sécret`. A nonce that is too old is
    /// answered with `stale=true`.
    ///
    /// Knobs: `NONCE_TTL`, seconds a nonce lives (2). Facts: `realm`.
    DigestBasicApache,
    /// Passwords: PyPI's httpbin, Digest with MD5, SHA-256, SHA-512, `auth` and `auth-int`; Basic.
    ///
    /// What it expects stands in the path: `/basic-auth/{user}/{password}`, and
    /// `/digest-auth/{qop}/{user}/{password}/{algorithm}[/{stale_after}]`, whose qop may also be
    /// any other word, which offers both.
    DigestHttpbin,
    /// A resource server: npm's oauth4webapi, which takes JWT access tokens (RFC 9068).
    ///
    /// Paths that begin with `/d` take `DPoP` alone, all others Bearer tokens too. A proof is taken
    /// once. A token's header has `typ` `at+jwt`, and its claims are `iss`, `aud`, `sub`,
    /// `client_id`, `jti`, `iat` and `exp`, and `cnf` where it is bound to a key.
    ///
    /// Knobs: `ISSUER`, the authorization server to trust, such as the `issuer` of a [`Kind::Oidc`];
    /// `DPOP_NONCE`, the nonce that proofs must carry.
    /// Facts: `issuer`, `audience`; without the first knob `issuer_key` (ES256) and `issuer_kid`, to
    /// sign tokens with.
    DpopRs,
    /// A resource server: PyPI's oauthlib, which takes requests signed by OAuth 1.0a at every path but
    /// three, which give out tokens: `/initiate`, `/authorize`, where the resource owner says yes, and
    /// `/token`. Callbacks are `oob`, or on 127.0.0.1.
    ///
    /// `HMAC-` and `RSA-` with SHA1, SHA256 and SHA512, and `PLAINTEXT`; in the header, the query or
    /// a form. Consumer `ck` with `cs&é`, or `plain` with `cs`; token `tk` with `ts`. A nonce of 4 to 64
    /// characters is taken once, and 401 is all that a refusal says. Of a query and a form it decodes
    /// the parameters of OAuth twice: `PLAINTEXT` is refused there where a secret has something to
    /// encode.
    ///
    /// Knobs: `TIMESTAMP_TTL`, seconds a timestamp may be off (300). Facts: `rsa_key`.
    Oauth1Oauthlib,
}

impl Kind {
    /// The starter's file, in the folder of the starters.
    fn file(self) -> &'static str {
        match self {
            Self::Oidc => "oidc.mjs",
            Self::Oauth2Authlib => "oauth2_authlib.py",
            Self::Oauth2RsApache => "oauth2_rs_apache.mjs",
            Self::JwtHaproxy => "jwt_haproxy.mjs",
            Self::DigestBasicApache => "digest_basic_apache.mjs",
            Self::DigestHttpbin => "digest_httpbin.py",
            Self::DpopRs => "dpop_rs.mjs",
            Self::Oauth1Oauthlib => "oauth1_oauthlib.py",
        }
    }

    /// The group of `setup.sh` that it belongs to.
    pub(super) fn group(self) -> &'static str {
        match self {
            Self::Oidc
            | Self::Oauth2Authlib
            | Self::Oauth2RsApache
            | Self::JwtHaproxy
            | Self::DpopRs => "oidc",
            Self::DigestBasicApache | Self::DigestHttpbin => "digest",
            Self::Oauth1Oauthlib => "oauth1",
        }
    }

    /// What starts it.
    pub(super) fn command(self) -> Command {
        if self.file().ends_with(".mjs") { node(self.file()) } else { python(self.file()) }
    }
}

/// Node.js with one of the starters' files.
pub(super) fn node(file: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(folder().join(file));
    command
}

fn python(file: &str) -> Command {
    let mut command = Command::new(home().join("venv/bin/python"));
    // Or it would leave a folder in the sources.
    command.arg("-B").arg(folder().join(file));
    command
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Where `setup.sh` installs.
fn home() -> PathBuf {
    std::env::var_os("NETWORKPYPE_PEERS").filter(|named| !named.is_empty()).map_or_else(
        || {
            let user = std::env::var_os("HOME").unwrap_or_default();
            Path::new(&user).join(".cache/networkpype-peers")
        },
        PathBuf::from,
    )
}
