//! The crate `networkpype-time`.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use networkpype_core::{BoxError, RestRequest, RestResponse, Timestamp, mock::MockRest};
use networkpype_rest::RestManager;
use networkpype_time::{
    FromFn, RestTimeProvider, ServerTime, TimeError, TimeFormat, TimeRequest, TimeSynchronizer,
    TimeSynchronizerBuilder, TimeSynchronizerRestPreProcessor, Verdict,
};

use super::{core_messages::form_request, managers::rest_manager};
use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) async fn specimens() -> Vec<Specimen> {
    let synchronizer = builder().build();
    specimens! {
        debug networkpype_time::FromFn<_> => [failing()];
        debug networkpype_time::RefreshTask => [synchronizer.refresh_every(Duration::from_secs(60), provider())];
        debug networkpype_time::RestTimeProvider => [provider()];
        debug networkpype_time::ServerTime => [ServerTime::new(Timestamp::from_secs(1))];
        error networkpype_time::TimeError => time_errors().await;
        debug networkpype_time::TimeFormat => [TimeFormat::json_millis("serverTime")];
        debug networkpype_time::TimeRequest => [TimeRequest];
        debug networkpype_time::TimeSynchronizer => [synchronizer.clone()];
        debug networkpype_time::TimeSynchronizerBuilder => [builder()];
        debug networkpype_time::TimeSynchronizerRestPreProcessor => [
            TimeSynchronizerRestPreProcessor::new(synchronizer.clone()).time_provider(provider()),
        ];
        debug networkpype_time::Verdict => [Verdict::Kept];
    }
}

fn builder() -> TimeSynchronizerBuilder {
    TimeSynchronizer::builder().provider(provider())
}

/// Its request and its caller are both filled.
fn provider() -> RestTimeProvider {
    RestTimeProvider::json_millis(Arc::new(rest_manager()), form_request(), "token")
}

/// A provider made of a closure that holds the canary; its own error must hold none.
fn failing() -> FromFn<impl Fn() -> std::future::Ready<Result<Timestamp, BoxError>> + Send + Sync> {
    let key = CANARY.to_owned();
    networkpype_time::from_fn(move || {
        std::future::ready(match key.is_empty() {
            true => Ok(Timestamp::from_secs(1)),
            false => Err("no time".into()),
        })
    })
}

/// Answers of a time endpoint that are no time, all of them quoting what was sent.
async fn time_errors() -> Vec<TimeError> {
    let mut errors = Vec::new();
    for (status, body) in [
        (500, CANARY.to_owned()),
        (200, CANARY.to_owned()),
        (200, format!("{{\"key\":\"{CANARY}\"}}")),
        (200, format!("{{\"token\":\"{CANARY}\"}}")),
        (200, format!("{{\"token\":{{\"{CANARY}\":1}}}}")),
    ] {
        let answer = MockRest::new(move |_| {
            let status = StatusCode::from_u16(status).expect("status");
            Ok(RestResponse::new(status).with_body(body.clone()))
        });
        let manager = RestManager::builder().connection(answer).build().expect("manager");
        let request = RestRequest::get(format!("https://h/time?key={CANARY}"));
        for format in ["millis", "rfc3339", "date"].map(|format| match format {
            "millis" => TimeFormat::json_millis("token"),
            "rfc3339" => TimeFormat::json_rfc3339("token"),
            _ => TimeFormat::date_header(),
        }) {
            let caller = Arc::new(manager.clone());
            let provider = RestTimeProvider::formatted(caller, request.clone(), format);
            let asked = TimeSynchronizer::new()
                .update_server_time_offset_with_time_provider(&provider)
                .await;
            errors.push(asked.expect_err("no time"));
        }
    }
    errors.extend(TimeSynchronizer::new().ensure_initialized().await.err());
    errors
}
