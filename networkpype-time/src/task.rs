use std::future::Future;

use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::error::TimeError;

tokio::task_local! {
    /// Which synchronizers are asking, inside their providers: the addresses of their shared states. Several where
    /// the provider of one waits for another's time.
    static ASKING: Vec<usize>;
}

/// Runs `work` in a task, which ends with whoever waits for it; a panic becomes an error.
///
/// The runtime polls a task, whether or not anybody polls the one who waits for it. It belongs to the trace of the
/// caller, and knows of the synchronizers that are asking there.
pub(crate) async fn in_a_task<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, TimeError> {
    let work = ASKING.scope(asking(), work).in_current_span();
    let mut task = EndsWithMe(tokio::spawn(work));
    (&mut task.0).await.map_err(|error| {
        // What a panic says is not passed on: a provider of somebody's own may put anything into it.
        if error.is_panic() { TimeError::PANICKED } else { TimeError::SHUT_DOWN }
    })
}

/// Marks what `work` calls as called by the provider of synchronizer `id`.
pub(crate) async fn as_provider_of<T>(id: usize, work: impl Future<Output = T>) -> T {
    let mut asking = asking();
    asking.push(id);
    ASKING.scope(asking, work).await
}

/// Whether this is called by the provider of synchronizer `id`, which would wait for itself if it waited for that.
pub(crate) fn is_provider_of(id: usize) -> bool {
    ASKING.try_with(|asking| asking.contains(&id)).unwrap_or(false)
}

fn asking() -> Vec<usize> {
    ASKING.try_with(Clone::clone).unwrap_or_default()
}

struct EndsWithMe<T>(JoinHandle<T>);

impl<T> Drop for EndsWithMe<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
