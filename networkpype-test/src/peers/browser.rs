//! The person at the browser.

use super::kind::node;

/// Opens `url` as a person would, logs in at a [`Kind::Oidc`](super::Kind::Oidc) and approves.
///
/// `url` is that of an authorization request, or a device's `verification_uri_complete`. Returns
/// where the browser arrived: the client's redirect, which nobody has followed yet, or the page that
/// tells a device's user to go back to it. Blocks for a moment.
///
/// # Panics
///
/// When the pages lead nowhere.
#[must_use]
pub fn approve(url: &str) -> String {
    browse("approve", url)
}

/// Like [`approve`], by a person who logs in and then does not want to.
///
/// # Panics
///
/// When the pages lead nowhere.
#[must_use]
pub fn decline(url: &str) -> String {
    browse("decline", url)
}

fn browse(answer: &str, url: &str) -> String {
    let done = node("oidc_browser.mjs").args([answer, url]).output().unwrap();
    assert!(done.status.success(), "{url}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}
