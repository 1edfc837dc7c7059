//! How is the object of a WebSocket message signed?

use networkpype_core::{AuthError, AuthErrorKind, JsonMembers, WebSocketRequest};
use serde_json::value::RawValue;

use super::{Place, Recipe, Stage, Trace, render_payload};
use crate::{Subject, Values};

pub(super) fn sign(
    recipe: &Recipe,
    mut message: WebSocketRequest,
    values: Values<'_>,
    sign: impl FnOnce(&[u8]) -> Result<String, AuthError>,
    trace: Option<&mut Trace>,
) -> Result<WebSocketRequest, AuthError> {
    let outer = message.json_members().ok_or_else(|| unfit("it is not a JSON object"))?;
    let mut object = match recipe.within.as_deref() {
        None => outer.clone(),
        Some(field) => match outer.get(field) {
            None => JsonMembers::default(),
            Some(text) => serde_json::from_str(text)
                .map_err(|_| unfit("the field that holds what is signed is not an object"))?,
        },
    };
    // Of two fields with one name a parser takes the first or the last, so the server could act on what was not signed.
    check_names(&outer)?;
    check_names(&object)?;
    for place in recipe.in_order(Stage::Plain).chain(recipe.at_stage(Stage::Derived)) {
        place.put_field(&mut object, &values)?;
    }
    let payload = render_payload(&recipe.payload, &mut Subject::Fields(&object), &values, trace)?;
    let signature = sign(payload.expose_bytes())?;
    for place in recipe.at_stage(Stage::Signature) {
        place.put_field(&mut object, &values.signature(&signature))?;
    }
    *message.json_members_mut()? = match recipe.within.as_deref() {
        None => object,
        Some(field) => with_field(&outer, field, &object)?,
    };
    Ok(message)
}

impl Place {
    fn put_field(&self, fields: &mut JsonMembers, values: &Values<'_>) -> Result<(), AuthError> {
        if let Some(when) = &self.when
            && when.render(&mut Subject::Fields(fields), values)?.is_empty()
        {
            return Ok(());
        }
        if let Some(value) = self.value.known(values) {
            return self.at.put_field(fields, value);
        }
        let value = self.value.render(&mut Subject::Fields(fields), values)?;
        self.at.put_field(fields, value.expose_bytes())
    }
}

/// `outer` with `object` in its field, which keeps its place, and every other field's text as it was.
fn with_field(
    outer: &JsonMembers,
    field: &str,
    object: &JsonMembers,
) -> Result<JsonMembers, AuthError> {
    let mut rebuilt = JsonMembers::default();
    let raw = |text: &str| {
        RawValue::from_string(text.to_owned()).map_err(|_| unfit("one of its fields is not JSON"))
    };
    for (name, text) in outer.iter() {
        if name == field {
            rebuilt.push(name, &raw(&object.to_wire())?)?;
        } else {
            rebuilt.push(name, &raw(text)?)?;
        }
    }
    if outer.get(field).is_none() {
        rebuilt.push(field, &raw(&object.to_wire())?)?;
    }
    Ok(rebuilt)
}

fn check_names(fields: &JsonMembers) -> Result<(), AuthError> {
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(unfit("it has two fields with one name"));
    }
    Ok(())
}

fn unfit(why: &str) -> AuthError {
    AuthError::new(AuthErrorKind::Request, format!("the message cannot be signed: {why}"))
}
