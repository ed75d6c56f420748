//! Builds to `.status` and back.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use tidegate_build::{Build, Stand};
use tidegate_spec::ServiceName;
use tidegate_spec::crd::BuildStatus;

/// How long a message may be: a log has its own place.
const MESSAGE_MAX: usize = 1_000;

/// What is shown and remembered of builds.
pub(super) fn to_status(builds: &BTreeMap<ServiceName, Build>) -> Vec<BuildStatus> {
    let of_one = |(service, build): (&ServiceName, &Build)| BuildStatus {
        service: service.to_string(),
        state: build.stand.word().to_owned(),
        input: build.input.clone(),
        attempt: build.attempt,
        image: build.image.clone(),
        object: build.object.clone(),
        uid: build.uid.clone(),
        link: build.link.clone(),
        reason: build.reason.clone(),
        message: build.message.chars().take(MESSAGE_MAX).collect(),
        start_time: build.started.map(Time),
        end_time: build.ended.map(Time),
    };
    builds.iter().map(of_one).collect()
}

/// The builds as they stood. Error: a sentence, where somebody else has written them.
pub fn from_status(status: &[BuildStatus]) -> Result<BTreeMap<ServiceName, Build>, String> {
    let mut builds = BTreeMap::new();
    for one in status {
        let service = ServiceName::parse(&one.service)
            .map_err(|error| format!("service `{}` {error}", one.service))?;
        let stand = Stand::from_word(&one.state)
            .ok_or_else(|| format!("the build of {service}: no state `{}`", one.state))?;
        let build = Build {
            input: one.input.clone(),
            stand,
            attempt: one.attempt,
            image: one.image.clone(),
            object: one.object.clone(),
            uid: one.uid.clone(),
            link: one.link.clone(),
            reason: one.reason.clone(),
            message: one.message.clone(),
            started: one.start_time.as_ref().map(|time| time.0),
            ended: one.end_time.as_ref().map(|time| time.0),
        };
        builds.insert(service, build);
    }
    Ok(builds)
}
