//! From a request's data to a recipe.

use std::time::Duration;

use networkpype_auth::{
    Carrier, DigestEncoding, ListStyle, ObjectStyle, Operation, ParamsView, Part, Placement,
    Recipe, Sort, Template, TemplateNames,
};
use networkpype_core::{Encoding, Kept};

use super::{
    compile::{add_constants, digest, index_of, named, time_format},
    entry::{EntrySpec, OneOrMany},
    error::RecipeError,
    nonce::NonceStyle,
    operation::compile_operation,
    spec::{ParamsSpec, RequestSpec},
};

/// Something that is signed, and how.
#[derive(Clone, Debug)]
pub(super) struct Signed<T> {
    pub(super) what: T,
    /// Which operation signs; none where nothing is signed.
    pub(super) operation: Option<usize>,
    pub(super) digest: DigestEncoding,
    pub(super) nonce: NonceStyle,
    pub(super) draws: Draws,
}

/// What has to be drawn for each signature: looked up once, since it costs a look at every part.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Draws {
    pub(super) random: bool,
    pub(super) uuid: bool,
    pub(super) nonce: bool,
}

impl Draws {
    pub(super) fn of(uses: impl Fn(&Part) -> bool) -> Self {
        let [random, uuid, nonce] = [Part::Random, Part::Uuid, Part::Nonce].map(|part| uses(&part));
        Self { random, uuid, nonce }
    }
}

/// The names that templates may use, and where in the file they stand.
pub(super) struct NamesAt<'k> {
    names: TemplateNames,
    pub(super) key: &'k str,
}

impl<'k> NamesAt<'k> {
    pub(super) fn new(
        names: &TemplateNames,
        spec: &RequestSpec,
        key: &'k str,
    ) -> Result<Self, RecipeError> {
        let mut names = names.clone();
        add_constants(&mut names, &spec.constants, &format!("{key}.constants"))?;
        let mut this = Self { names, key };
        if let Some(params) = &spec.params {
            this.names.params = this.params_view(params, spec)?;
        } else {
            let (lists, objects) =
                this.styles(spec.lists.as_deref(), spec.objects.as_deref(), "")?;
            this.names.params.lists = lists;
            this.names.params.objects = objects;
        }
        Ok(this)
    }

    pub(super) fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.key)
    }

    pub(super) fn template(&self, text: &str, field: &str) -> Result<Template, RecipeError> {
        Template::parse(text, &self.names).map_err(|error| RecipeError::new(self.at(field), error))
    }

    pub(super) fn declares(&self, credential: &str) -> bool {
        self.names.credentials.iter().any(|own| own == credential)
    }

    fn params_view(
        &self,
        spec: &ParamsSpec,
        request: &RequestSpec,
    ) -> Result<ParamsView, RecipeError> {
        let mut view = ParamsView::default();
        let encoding = spec.encoding.as_deref().unwrap_or("raw");
        view.encoding = self.encoding(encoding, spec.keep.as_deref(), "params.encoding")?;
        view.sorted = spec.sorted.unwrap_or(false);
        view.skip_empty = spec.skip_empty.unwrap_or(false);
        view.names = spec.names.unwrap_or(true);
        if let Some(equals) = &spec.equals {
            view.equals = equals.clone().into();
        }
        if let Some(separator) = &spec.separator {
            view.separator = separator.clone().into();
        }
        for entry in spec.with.iter().flatten() {
            let value = entry.value.as_ref().filter(|_| entry.is_plain()).ok_or_else(|| {
                RecipeError::new(self.at("params.with"), "write `[\"name\", \"template\"]`")
            })?;
            let value = self.template(value, "params.with")?;
            value.check_text().map_err(|error| RecipeError::new(self.at("params.with"), error))?;
            view.with.push((entry.name.clone().into(), value));
        }
        let lists = spec.lists.as_deref().or(request.lists.as_deref());
        let objects = spec.objects.as_deref().or(request.objects.as_deref());
        (view.lists, view.objects) = self.styles(lists, objects, "params.")?;
        Ok(view)
    }

    fn styles(
        &self,
        lists: Option<&str>,
        objects: Option<&str>,
        within: &str,
    ) -> Result<(ListStyle, ObjectStyle), RecipeError> {
        let lists =
            lists.map(|name| named(name, &self.at(&format!("{within}lists")))).transpose()?;
        let objects =
            objects.map(|name| named(name, &self.at(&format!("{within}objects")))).transpose()?;
        Ok((lists.unwrap_or_default(), objects.unwrap_or_default()))
    }

    fn encoding(
        &self,
        name: &str,
        keep: Option<&str>,
        field: &str,
    ) -> Result<Encoding, RecipeError> {
        let keep_at =
            || self.at(&format!("{}keep", field.strip_suffix("encoding").unwrap_or(field)));
        match (name, keep) {
            ("percent", None) => Ok(Encoding::Rfc3986),
            ("percent", Some(keep)) if keep.bytes().all(may_be_kept) => {
                Ok(Encoding::Keeping(Kept::new(keep)))
            }
            ("percent", Some(_)) => Err(RecipeError::new(
                keep_at(),
                "servers read `%`, `&`, `=`, `+`, `#`, spaces and all but ASCII as something else: leave them out",
            )),
            (_, Some(_)) => {
                Err(RecipeError::new(keep_at(), "only `percent` encodes with exceptions"))
            }
            ("form", None) => Ok(Encoding::Form),
            ("plus", None) => Ok(Encoding::Plus),
            ("raw", None) => Ok(Encoding::AsIs),
            _ => Err(RecipeError::new(self.at(field), "write `percent`, `form`, `plus` or `raw`")),
        }
    }
}

pub(super) fn compile_request(
    spec: &RequestSpec,
    names: &NamesAt<'_>,
    custom: Option<&Operation>,
    operations: &mut Vec<Operation>,
) -> Result<Signed<Recipe>, RecipeError> {
    let (payload, operation) = compile_operation(spec, names, custom)?;
    let (lists, objects) = names.styles(spec.lists.as_deref(), spec.objects.as_deref(), "")?;
    let encoding = spec.encoding.as_deref().unwrap_or("percent");
    let mut recipe = Recipe::new()
        .sign(payload)
        .timestamp(time_format(spec.timestamp.as_deref(), names.key)?)
        .expires_in(Duration::from_secs(spec.expires_in.unwrap_or(0).into()))
        .write_lists(lists, objects)
        .encode_params(names.encoding(encoding, spec.keep.as_deref(), "encoding")?)
        .sort(sort(spec.sort.as_deref(), names)?);
    if operation.as_ref().is_some_and(Operation::holds_payload) {
        recipe = recipe.signature_holds_payload();
    }
    if let Some(carry) = &spec.carry {
        recipe = recipe.carry(carriers(carry, spec, names)?);
    }
    if spec.query_mark == Some(true) {
        recipe = recipe.keep_query_mark();
    }
    if spec.sort_json == Some(true) {
        recipe = recipe.sort_json();
    }
    if spec.carry_path_params == Some(true) {
        recipe = recipe.carry_path_params();
    }
    for (name, value) in spec.headers.iter().flatten() {
        let field = format!("headers.{name}");
        let (text, when) = value.parts();
        if text.is_empty() {
            // It takes back a header, here one that there is not.
            continue;
        }
        let at = Placement::header(name.clone());
        let value = names.template(text, &field)?;
        at.check()
            .and_then(|()| value.check_header())
            .map_err(|error| RecipeError::new(names.at(&field), error))?;
        recipe = match when {
            None => recipe.place(at, value),
            Some(when) => recipe.place_when(at, value, names.template(when, &field)?),
        };
    }
    recipe = compile_places(
        recipe,
        spec.before.as_deref().unwrap_or_default(),
        "before",
        None,
        true,
        names,
    )?;
    recipe = compile_places(
        recipe,
        spec.after.as_deref().unwrap_or_default(),
        "after",
        None,
        false,
        names,
    )?;
    if let Some(body) = &spec.body {
        recipe = recipe.body(names.template(body, "body")?);
    }
    if let Some(text) = &spec.empty_body {
        recipe = recipe.empty_body(text.clone());
    }
    Ok(Signed {
        draws: Draws::of(|part| recipe.uses(part)),
        what: recipe,
        operation: operation.map(|operation| index_of(operations, operation)),
        digest: digest(spec.digest.as_deref(), names.key)?,
        nonce: NonceStyle::named(spec.nonce.as_deref(), names.key)?,
    })
}

/// Places parameters or fields.
pub(super) fn compile_places(
    mut recipe: Recipe,
    entries: &[EntrySpec],
    list: &str,
    only_in: Option<&str>,
    first: bool,
    names: &NamesAt<'_>,
) -> Result<Recipe, RecipeError> {
    for (index, entry) in entries.iter().enumerate() {
        let field = format!("{list}[{index}]");
        let at = placement(entry, only_in, &names.at(&field))?;
        at.check().map_err(|error| RecipeError::new(names.at(&format!("{field}.name")), error))?;
        let at = if first { at.first() } else { at };
        let at = if entry.yields { at.yielding() } else { at };
        let at = match &entry.encoding {
            None => at,
            Some(_) if !at.is_pair() => {
                return Err(RecipeError::new(
                    names.at(&format!("{field}.encoding")),
                    "only the parameters of a query or a form are encoded",
                ));
            }
            Some(encoding) => {
                at.encoded_as(names.encoding(encoding, None, &format!("{field}.encoding"))?)
            }
        };
        let value = names.template(text_of(entry, &names.at(&field))?, &field)?;
        let checked = if at.is_pair() { value.check_param() } else { value.check_text() };
        checked.map_err(|error| RecipeError::new(names.at(&field), error))?;
        recipe = match &entry.when {
            None => recipe.place(at, value),
            Some(when) => recipe.place_when(at, value, names.template(when, &field)?),
        };
    }
    Ok(recipe)
}

fn placement(
    entry: &EntrySpec,
    only_in: Option<&str>,
    key: &str,
) -> Result<Placement, RecipeError> {
    let name = entry.name.clone();
    let is_json = entry.json.is_some();
    let place = match (only_in, entry.r#in.as_deref()) {
        (Some(only), None) => only,
        (Some(_), Some(_)) => {
            return Err(RecipeError::new(
                format!("{key}.in"),
                "a message has fields alone: leave it out",
            ));
        }
        (None, place) => place.unwrap_or("params"),
    };
    Ok(match (place, is_json) {
        ("params", false) => Placement::params(name),
        ("query", false) => Placement::query(name),
        ("form", false) => Placement::form(name),
        ("json", false) => Placement::json(name),
        ("json", true) => Placement::json_text(name),
        ("body", false) => Placement::body(name),
        ("body", true) => Placement::body_text(name),
        ("params" | "query" | "form", true) => {
            let reason =
                "only the members of JSON are numbers or lists: use `value`, or `in = \"json\"`";
            return Err(RecipeError::new(key, reason));
        }
        _ => {
            let reason = "write `params`, `query`, `form`, `json` or `body`";
            return Err(RecipeError::new(format!("{key}.in"), reason));
        }
    })
}

fn sort(name: Option<&str>, names: &NamesAt<'_>) -> Result<Sort, RecipeError> {
    match name {
        None | Some("none") => Ok(Sort::None),
        Some("own") => Ok(Sort::Own),
        Some("all") => Ok(Sort::All),
        Some(_) => Err(RecipeError::new(names.at("sort"), "write `none`, `own` or `all`")),
    }
}

fn carrier(name: &str, key: &str) -> Result<Carrier, RecipeError> {
    match name {
        "query" => Ok(Carrier::Query),
        "form" => Ok(Carrier::Form),
        "json" => Ok(Carrier::Json),
        _ => Err(RecipeError::new(key, "write `query`, `form` or `json`")),
    }
}

/// The template of an entry, which has exactly one.
pub(super) fn text_of<'e>(entry: &'e EntrySpec, key: &str) -> Result<&'e str, RecipeError> {
    match (&entry.value, &entry.json) {
        (Some(text), None) | (None, Some(text)) => Ok(text),
        _ => Err(RecipeError::new(key, "it needs either `value` or `json`")),
    }
}

fn may_be_kept(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"%&=+#".contains(&byte)
}

/// Where the parameters of a body are sent. A body is one thing.
fn carriers(
    carry: &OneOrMany,
    spec: &RequestSpec,
    names: &NamesAt<'_>,
) -> Result<Vec<Carrier>, RecipeError> {
    let fail = |reason: &str| Err(RecipeError::new(names.at("carry"), reason));
    let mut carriers = Vec::new();
    for name in carry.iter() {
        let carrier = carrier(name, &names.at("carry"))?;
        if carriers.contains(&carrier) {
            return fail("parameters would be sent twice in one place");
        }
        carriers.push(carrier);
    }
    let (is_form, is_json) = (carriers.contains(&Carrier::Form), carriers.contains(&Carrier::Json));
    if is_form && is_json {
        return fail("a body cannot be a form and a JSON object");
    }
    let places = |wanted: &str| {
        let mut entries = spec.before.iter().chain(&spec.after).flatten();
        entries.any(|entry| entry.r#in.as_deref() == Some(wanted))
    };
    if is_form && places("json") || is_json && places("form") {
        return fail(
            "a body cannot be a form and a JSON object: something is placed in the other one",
        );
    }
    Ok(carriers)
}
