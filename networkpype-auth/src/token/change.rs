//! How is a token put in place of another, or let go of?

use std::{future::Future, sync::Arc};

use tokio::runtime::Handle;

use super::{
    ObtainedToken, StoredToken, Token, TokenError,
    cache::{Shared, given_up, without_runtime},
    entry::{Entry, Held, Instead, Unsaved},
};

impl Shared {
    /// Puts what a login brings in place of what there is.
    pub(super) async fn replace(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        login: impl Future<Output = Result<ObtainedToken, TokenError>> + Send,
    ) -> Result<Token, TokenError> {
        // Not after the login, which would be lost.
        let runtime = Handle::try_current().map_err(|_| without_runtime())?;
        let asked = (self.ticker.now(), self.clock.now());
        let held = self.held(login.await?, None, asked);
        let (shared, entry) = (Arc::clone(self), Arc::clone(entry));
        // A task of its own: a caller who gives up from here on does not end it.
        let put = runtime.spawn(async move { shared.put(&entry, held).await });
        put.await.map_err(|_| given_up())?
    }

    async fn put(&self, entry: &Entry, held: Held) -> Result<Token, TokenError> {
        let _change = entry.change();
        let _turn = entry.turn.lock().await;
        // From here on it is not lost, whatever becomes of the store.
        entry.begin_anew().unsaved =
            Some(Unsaved { held: held.clone(), instead: Instead::Unknown });
        let _lock = self.store.lock(&entry.key).await?;
        self.save(entry, held).await
    }

    /// Lets go of what there is.
    pub(super) async fn remove(&self, entry: &Entry) -> Result<Option<StoredToken>, TokenError> {
        let _change = entry.change();
        let _turn = entry.turn.lock().await;
        let _lock = self.store.lock(&entry.key).await?;
        let stored = self.store.load(&entry.key).await?;
        self.store.remove(&entry.key).await?;
        let (unsaved, held) = {
            let state = entry.lock();
            (state.unsaved.clone(), state.held.clone())
        };
        drop(entry.begin_anew());
        // The newest: what could not be saved came after what was.
        Ok(unsaved
            .map(|unsaved| unsaved.held.stored())
            .or(stored)
            .or(held.map(|held| held.stored())))
    }
}
