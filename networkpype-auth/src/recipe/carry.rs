//! Where do the parameters of a request go, and how are they written?

use networkpype_core::{AuthError, Encoding, JsonMembers, Pair, RestRequest};

use crate::{ListStyle, ObjectStyle, list_style::pairs_of};

/// Where the parameters of a body are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Carrier {
    /// In the query.
    Query,
    /// In a form body.
    Form,
    /// In a JSON object.
    Json,
}

/// Has the members of a request's JSON body sent elsewhere, in place of what the recipe says about it. Attached with
/// [`RestRequest::extension`](networkpype_core::RestRequest::extension).
///
/// So that a caller may write the parameters of every endpoint as one list of names and typed values, wherever the API
/// takes them. Lists and objects are written in the recipe's style.
///
/// ```
/// use networkpype_auth::{Carrier, CarryTo};
/// use networkpype_core::RestRequest;
///
/// let request = RestRequest::get("https://api.example.com/orders")
///     .json_object([("ids", ["11", "22"])])
///     .extension(CarryTo::new([Carrier::Query]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarryTo(Vec<Carrier>);

impl CarryTo {
    /// To these; to none, and the parameters are not sent.
    pub fn new(carriers: impl Into<Vec<Carrier>>) -> Self {
        Self(carriers.into())
    }

    /// Whether a body is among them.
    pub fn has_body(&self) -> bool {
        self.0.iter().any(|carrier| *carrier != Carrier::Query)
    }
}

/// How the parameters of a request are arranged before anything is placed.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrangement {
    pub(super) carriers: Option<Vec<Carrier>>,
    pub(super) path_params: bool,
    pub(super) sort_json: bool,
    pub(super) query_mark: bool,
    pub(super) encoding: Option<Encoding>,
    pub(super) lists: ListStyle,
    pub(super) objects: ObjectStyle,
}

impl Arrangement {
    /// Arranges `request`, and gives the JSON members that it carried.
    pub(super) fn apply(
        &self,
        request: &mut RestRequest,
    ) -> Result<Option<JsonMembers>, AuthError> {
        let asked = request.extensions().get::<CarryTo>().map(|to| to.0.clone());
        let carriers = asked.as_ref().or(self.carriers.as_ref());
        if self.path_params {
            add_path_params(request, carriers)?;
        }
        if self.query_mark {
            request.keep_query_mark();
        }
        if self.sort_json {
            super::sort_members(request)?;
        }
        let members = request.json_members();
        if let Some(carriers) = carriers
            && let Some(members) = carried(request, &members)
        {
            self.carry(request, carriers, &members)?;
        }
        if let Some(encoding) = self.encoding {
            encode(request, encoding)?;
        }
        Ok(members)
    }

    fn carry(
        &self,
        request: &mut RestRequest,
        carriers: &[Carrier],
        members: &JsonMembers,
    ) -> Result<(), AuthError> {
        if carriers == [Carrier::Json] && request.json_members().is_some() {
            return Ok(());
        }
        request.remove_body()?;
        for carrier in carriers {
            match carrier {
                Carrier::Json => *request.json_members_mut()? = members.clone(),
                Carrier::Form => {
                    let form = request.form_params_mut()?;
                    self.pairs(members).for_each(|pair| form.push(pair));
                }
                Carrier::Query => {
                    let query = request.params_mut()?;
                    self.pairs(members).for_each(|pair| query.push(pair));
                }
            }
        }
        Ok(())
    }

    fn pairs<'m>(&'m self, members: &'m JsonMembers) -> impl Iterator<Item = Pair> + 'm {
        members
            .iter()
            .flat_map(|(name, json)| pairs_of(name, json, self.lists, self.objects))
            .map(|(name, value)| Pair::new(name, value))
    }
}

/// What may be carried: the members of a JSON object, or the parameters of a form.
fn carried(request: &RestRequest, members: &Option<JsonMembers>) -> Option<JsonMembers> {
    if members.is_some() {
        return members.clone();
    }
    let mut carried = JsonMembers::default();
    for pair in request.form_params()?.iter() {
        // Names and values are texts, which JSON can always hold.
        carried.push(pair.name(), &pair.value()).ok()?;
    }
    Some(carried)
}

fn add_path_params(
    request: &mut RestRequest,
    carriers: Option<&Vec<Carrier>>,
) -> Result<(), AuthError> {
    let filled = request.filled_path_params().to_vec();
    if filled.is_empty() {
        return Ok(());
    }
    if request.form_params().is_some() {
        let pairs = filled.into_iter().map(|(name, value)| Pair::new(name, value));
        request.form_params_mut()?.prepend_all(pairs);
    } else if request.json_members().is_some() || carriers.is_some() {
        let members = request.json_members_mut()?;
        for (name, value) in filled.into_iter().rev() {
            members.prepend(name, &value)?;
        }
    } else {
        let pairs = filled.into_iter().map(|(name, value)| Pair::new(name, value));
        request.params_mut()?.prepend_all(pairs);
    }
    Ok(())
}

/// Has every parameter sent in `encoding`, but for those typed in the URL.
fn encode(request: &mut RestRequest, encoding: Encoding) -> Result<(), AuthError> {
    if !request.params().is_empty() {
        let query = request.params_mut()?;
        *query = std::mem::take(query).into_iter().map(|pair| pair.sent_as(encoding)).collect();
    }
    if request.form_params().is_some_and(|form| !form.is_empty()) {
        let form = request.form_params_mut()?;
        *form = std::mem::take(form).into_iter().map(|pair| pair.sent_as(encoding)).collect();
    }
    Ok(())
}
