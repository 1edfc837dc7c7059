//! Which requests does a rule mean?

use networkpype_auth::{CarryTo, Endpoint, Section};
use networkpype_core::RestRequest;

use super::{entry::OneOrMany, error::RecipeError, spec::MatchSpec};
use crate::glob::Glob;

/// What of a request has to match, compiled.
#[derive(Clone, Debug, Default)]
pub(super) struct Matcher {
    methods: Option<Vec<String>>,
    paths: Option<Vec<Glob>>,
    hosts: Option<Vec<Glob>>,
    sections: Option<Vec<Glob>>,
    endpoints: Option<Vec<Glob>>,
    params: Vec<String>,
    has_body: Option<bool>,
}

impl Matcher {
    pub(super) fn new(spec: &MatchSpec, key: &str) -> Result<Self, RecipeError> {
        if *spec == MatchSpec::default() {
            return Err(RecipeError::new(
                key,
                "a rule that matches everything belongs into what it changes: say which requests are meant",
            ));
        }
        for (name, globs) in [
            ("method", &spec.method),
            ("path", &spec.path),
            ("host", &spec.host),
            ("section", &spec.section),
            ("endpoint", &spec.endpoint),
            ("param", &spec.param),
        ] {
            if globs.as_ref().is_some_and(|globs| globs.iter().next().is_none()) {
                return Err(RecipeError::new(
                    format!("{key}.{name}"),
                    "an empty list matches nothing",
                ));
            }
        }
        let mut methods = spec.method.iter().flat_map(OneOrMany::iter);
        if methods.any(|method| http::Method::from_bytes(method.as_bytes()).is_err()) {
            return Err(RecipeError::new(format!("{key}.method"), "this cannot be a method"));
        }
        if let Some(path) = spec.path.iter().flat_map(OneOrMany::iter).find(|path| {
            !path.starts_with(['/', '*'])
                || path.bytes().any(|byte| !byte.is_ascii_graphic() || b"?#".contains(&byte))
        }) {
            return Err(RecipeError::new(
                format!("{key}.path"),
                format!(
                    "{path:?} matches no path as it is sent: begin with `/` or `**`, and leave out the query"
                ),
            ));
        }
        if let Some(host) = spec.host.iter().flat_map(OneOrMany::iter).find(|host| {
            // An IPv6 address has colons in its brackets.
            host.contains('/')
                || (host.contains(':') && !(host.starts_with('[') && host.ends_with(']')))
        }) {
            return Err(RecipeError::new(
                format!("{key}.host"),
                format!("{host:?} is no host: leave out the scheme, the port and the path"),
            ));
        }
        let globs = |globs: &Option<OneOrMany>| -> Option<Vec<Glob>> {
            globs.as_ref().map(|globs| globs.iter().map(Glob::new).collect())
        };
        Ok(Self {
            methods: spec.method.as_ref().map(|m| m.iter().map(str::to_ascii_uppercase).collect()),
            paths: globs(&spec.path),
            hosts: spec.host.as_ref().map(|hosts| {
                // Hosts are lower-case in requests.
                hosts.iter().map(|host| Glob::new(&host.to_ascii_lowercase())).collect()
            }),
            sections: globs(&spec.section),
            endpoints: globs(&spec.endpoint),
            params: spec.param.iter().flat_map(OneOrMany::iter).map(str::to_owned).collect(),
            has_body: spec.has_body,
        })
    }

    pub(super) fn matches(&self, request: &RestRequest) -> bool {
        let any = |globs: &Option<Vec<Glob>>, text: &str| {
            globs.as_ref().is_none_or(|globs| globs.iter().any(|glob| glob.matches(text)))
        };
        let method = request.method().as_str();
        if self.methods.as_ref().is_some_and(|methods| methods.iter().all(|own| own != method)) {
            return false;
        }
        let extensions = request.extensions();
        let section = extensions.get::<Section>().map_or("", Section::as_str);
        let endpoint = extensions
            .get::<Endpoint>()
            .map_or_else(|| request.path().trim_start_matches('/'), Endpoint::as_str);
        any(&self.paths, request.path())
            && any(&self.sections, section)
            && any(&self.endpoints, endpoint)
            && (self.hosts.is_none() || any(&self.hosts, &host(request)))
            && self.params.iter().all(|name| has_param(request, name))
            && self.has_body.is_none_or(|wanted| has_body(request) == wanted)
    }
}

fn host(request: &RestRequest) -> String {
    request.origin().map(|origin| origin.host().to_owned()).unwrap_or_default()
}

fn has_param(request: &RestRequest, name: &str) -> bool {
    request.params().get(name).is_some()
        || request.form_params().is_some_and(|form| form.get(name).is_some())
        || request.json_members().is_some_and(|members| members.get(name).is_some())
}

fn has_body(request: &RestRequest) -> bool {
    if let Some(to) = request.extensions().get::<CarryTo>() {
        return to.has_body() && request.json_members().is_some();
    }
    request.form_params().is_some()
        || request.json_members().is_some()
        || request.streamed_body().is_some()
        || request.clone().body_bytes().is_ok_and(|bytes| !bytes.is_empty())
}
