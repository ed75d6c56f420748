//! What a turn gave, as one line: standings that changed, actions, events and, if asked, the wish.

use jiff::Timestamp;

use super::scene::start;
use crate::{Action, Agenda, Event, Precondition, State, Step, Wish, Write};

pub(super) fn told(agenda: &Agenda, before: &State, next: &Step, tell_wish: bool) -> String {
    let mut parts = Vec::new();
    for (name, service) in &next.state.services {
        let was = before.services[name].standing;
        if was != service.standing {
            parts.push(format!("{name} {}", service.standing.word()));
        }
    }
    for (name, build) in &next.state.builds {
        let was = before.builds[name].stand;
        if was != build.stand {
            parts.push(format!("image {name} {}", build.stand.word()));
        }
    }
    parts.extend(next.actions.iter().map(|action| act(agenda, action)));
    parts.extend(next.events.iter().map(event));
    if tell_wish {
        parts.push(format!("? {}", wish(&next.wish)));
    }
    parts.join("; ")
}

fn act(agenda: &Agenda, action: &Action) -> String {
    let kinds = |objects: &[tidegate_spec::ObjectRef]| {
        let kinds: Vec<_> = objects.iter().map(|object| object.kind.as_str()).collect();
        kinds.join(" ")
    };
    match action {
        Action::ApplyShared { writes } => format!("apply shared ({})", written("", writes)),
        Action::Apply { service, writes } => {
            let own = &agenda.members[service].belongings.stamp;
            format!("apply {service} ({})", written(own, writes))
        }
        Action::RemoveWorkloads { service, objects } => {
            format!("remove workloads of {service} ({})", kinds(objects))
        }
        Action::RemoveRest { service, objects } => {
            format!("remove rest of {service} ({})", kinds(objects))
        }
        Action::Pause {
            service,
            objects,
            is_paused,
        } => {
            let verb = if *is_paused { "pause" } else { "let go on" };
            format!("{verb} {service} ({})", kinds(objects))
        }
        Action::RemoveLeftover { objects } => format!("remove leftover ({})", kinds(objects)),
        Action::RollBack { services } => {
            let names: Vec<_> = services.iter().map(ToString::to_string).collect();
            format!("bring back {}", names.join(","))
        }
        Action::Build { service, attempt } => format!("build {service} ({attempt})"),
        Action::BeginBuild { service, uid, .. } => format!("let the build of {service} go ({uid})"),
        Action::CancelBuild { service, attempt } => {
            format!("cancel the build of {service} ({attempt})")
        }
        Action::Publish { .. } => "publish".to_owned(),
    }
}

fn written(own: &str, writes: &[Write]) -> String {
    let one = |write: &Write| {
        let at = match &write.precondition {
            Precondition::Absent => "absent".to_owned(),
            Precondition::Unchanged {
                uid: _,
                resource_version,
            } => resource_version.clone(),
        };
        let stamp = match write.stamp.as_deref() {
            None => String::new(),
            Some(stamp) if stamp == own => " own stamp".to_owned(),
            Some(other) => format!(" stamp `{other}`"),
        };
        format!("{}@{at}{stamp}", write.object.kind)
    };
    writes.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub(super) fn event(event: &Event) -> String {
    let reason = event.reason();
    match event {
        Event::Planned { .. } | Event::Paused | Event::Resumed | Event::Reachable => {
            format!("!{reason}")
        }
        Event::WaveStarted { wave, services } => {
            let names: Vec<_> = services.iter().map(ToString::to_string).collect();
            format!("!{reason} {wave} {}", names.join(","))
        }
        Event::WaveDone { wave, took } => format!("!{reason} {wave} {took:#}"),
        Event::BuildStarted { service } => format!("!{reason} {service}"),
        Event::Built {
            service,
            image: _,
            took,
        } => format!("!{reason} {service} {took:#}"),
        Event::BuildFailed {
            service,
            reason: why,
            message,
        } => format!("!{reason} {service} {why}: {message}"),
        Event::BuildSkipped { service, message } | Event::BuildCancelled { service, message } => {
            format!("!{reason} {service}: {message}")
        }
        Event::ServiceStarted { service } => format!("!{reason} {service}"),
        Event::ServiceDone { service, took } => format!("!{reason} {service} {took:#}"),
        Event::Waits {
            service,
            reason: why,
            message: _,
        } => format!("!{reason} {service} {why}"),
        Event::ServiceFailed {
            service,
            reason: why,
            message,
        } => format!("!{reason} {service} {why}: {message}"),
        Event::Regressed { service, message }
        | Event::InvariantBroken { service, message }
        | Event::Recovered { service, message } => format!("!{reason} {service}: {message}"),
        Event::Approved {
            service: _,
            message,
        }
        | Event::Forced {
            service: _,
            message,
        }
        | Event::Retried {
            service: _,
            message,
        }
        | Event::Superseded { message }
        | Event::Frozen { message }
        | Event::Thawed { message }
        | Event::Refused { message }
        | Event::PlannedAnew { message }
        | Event::NotRemoved { message }
        | Event::NotPublished { message }
        | Event::WriteRepeated { message }
        | Event::Unreachable { message } => format!("!{reason}: {message}"),
        Event::Ended { outcome, message } => format!("!{reason} {outcome}: {message}"),
    }
}

fn wish(wish: &Wish) -> String {
    let passed = |time: &Timestamp| {
        let passed = time.duration_since(start());
        format!("{}s", passed.as_secs_f64())
    };
    let live = wish
        .live
        .iter()
        .map(|(name, time)| format!("live {name}@{}", passed(time)));
    let look = wish
        .prepare
        .iter()
        .map(|(name, time)| format!("look {name}@{}", passed(time)));
    let shared = wish.prepare_shared.then(|| "look shared".to_owned());
    let wake = wish
        .wake_at
        .iter()
        .map(|time| format!("wake {}", passed(time)));
    let all: Vec<_> = live.chain(look).chain(shared).chain(wake).collect();
    all.join(", ")
}
