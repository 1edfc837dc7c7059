use std::sync::Arc;

use networkpype_core::{
    Charge, Error, LimitChoice, LimitId, Permit, RestRequest, Throttle, ThrottleError, Ticks,
};

/// Which limits are charged for what.
#[derive(Clone, Default)]
pub(crate) struct Limits {
    pub(crate) throttle: Option<Arc<dyn Throttle>>,
    pub(crate) default: Option<LimitId>,
    pub(crate) connect: Option<LimitId>,
    pub(crate) login: Option<LimitId>,
}

impl Limits {
    /// The limit that `choice` stands for: the one it names, else `own`, else the default one.
    pub(crate) fn resolve<'a>(
        &'a self,
        choice: &'a LimitChoice,
        own: Option<&'a LimitId>,
    ) -> Result<Option<&'a LimitId>, Error> {
        let limit = match choice {
            LimitChoice::Named(limit) => Some(limit),
            LimitChoice::Unlimited => return Ok(None),
            _ => own.or(self.default.as_ref()),
        };
        match &self.throttle {
            Some(throttle) if limit.is_none() && throttle.is_limiting() => {
                Err(ThrottleError::NoLimitNamed.into())
            }
            _ => Ok(limit),
        }
    }

    /// Waits for capacity on `limit`.
    pub(crate) async fn acquire(
        &self,
        limit: Option<&LimitId>,
        weight: Option<u32>,
        request: Option<&RestRequest>,
        deadline: Option<Ticks>,
    ) -> Result<Permit, Error> {
        let Some(throttle) = &self.throttle else { return Ok(Permit::unlimited()) };
        let mut charge = limit.map_or_else(Charge::unlimited, Charge::new).with_weight(weight);
        charge.request = request;
        Ok(throttle.acquire(&charge, deadline).await?)
    }
}
