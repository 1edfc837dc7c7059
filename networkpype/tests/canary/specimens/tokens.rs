//! Tokens and what keeps them. Whose a token is and what it permits is shown on purpose.

use std::{path::Path, time::Duration};

use networkpype_auth::token::{
    FileTokenStore, Lifetime, MemoryTokenStore, ObtainedToken, StoredToken, TokenCache,
    TokenCacheBuilder, TokenError, TokenErrorKind, TokenKey, TokenSource, TokenStore as _,
};
use networkpype_core::{Secret, async_trait};

use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) async fn specimens() -> Vec<Specimen> {
    let cache = builder().build();
    let token = cache.token(&key()).await.expect("token");
    let store = MemoryTokenStore::new();
    store.save(&key(), &stored()).await.expect("saved");
    specimens! {
        debug networkpype_auth::token::FileTokenStore => [FileTokenStore::new("/var/tokens")];
        debug networkpype_auth::token::Lifetime => [Lifetime::default()];
        debug networkpype_auth::token::MemoryTokenStore => [store];
        debug networkpype_auth::token::ObtainedToken => [obtained()];
        debug networkpype_auth::token::StoredToken => [stored()];
        debug networkpype_auth::token::Token => [token];
        debug networkpype_auth::token::TokenCache => [cache];
        debug networkpype_auth::token::TokenCacheBuilder => [builder()];
        error networkpype_auth::token::TokenError => errors().await;
        debug networkpype_auth::token::TokenErrorKind => [TokenErrorKind::InvalidGrant];
        debug networkpype_auth::token::TokenKey => [key()];
    }
}

struct Issuer;

#[async_trait]
impl TokenSource for Issuer {
    async fn obtain(&self, _: &TokenKey, _: Option<&Secret>) -> Result<ObtainedToken, TokenError> {
        Ok(obtained())
    }
}

fn key() -> TokenKey {
    TokenKey::new("client").scope("read")
}

fn obtained() -> ObtainedToken {
    let lifetime = Lifetime::of(Duration::from_secs(60));
    ObtainedToken::new(CANARY).lifetime(lifetime).refresh(Some(CANARY.into()))
}

fn stored() -> StoredToken {
    StoredToken::new(CANARY, Some(CANARY.into()))
}

fn builder() -> TokenCacheBuilder {
    TokenCache::builder(Issuer)
}

/// A file of tokens that is not one: its text may hold what is left of a token.
async fn errors() -> Vec<TokenError> {
    let path =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("canary-{}", std::process::id()));
    let mut errors = vec![TokenError::new(TokenErrorKind::Refused, "refused")];
    for text in [format!("{{\"a\":\"{CANARY}"), format!("[\"{CANARY}\"]"), CANARY.to_owned()] {
        std::fs::write(&path, text).expect("written");
        errors.push(FileTokenStore::new(&path).load(&key()).await.expect_err("no tokens"));
    }
    std::fs::remove_file(&path).expect("removed");
    errors.extend(super::oauth1::token_errors().await);
    errors.extend(super::oauth2::errors().await);
    errors
}
