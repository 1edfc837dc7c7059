//! User names and passwords, and where they come from.

use networkpype_core::{AuthError, AuthErrorKind, Secret, async_trait};

/// Gives out a user name and a password. It is asked for each request, so it should hand out what it has until that
/// changes.
#[async_trait]
pub trait PasswordProvider: Send + Sync {
    /// The user name and the password.
    ///
    /// # Errors
    /// When they cannot be had. Nothing is sent then.
    async fn user_and_password(&self) -> Result<(String, Secret), AuthError>;
}

/// The password as text, where that and the user name are what a server can be told.
pub(crate) fn text_of<'p>(user: &str, password: &'p Secret) -> Result<&'p str, AuthError> {
    let refused = |message: &'static str| Err(AuthError::new(AuthErrorKind::Credentials, message));
    let Some(text) = password.expose_str() else {
        return refused("the password is not UTF-8 text");
    };
    if user.chars().chain(text.chars()).any(char::is_control) {
        return refused(
            "the user name or the password holds a control character, such as a line end",
        );
    }
    Ok(text)
}
