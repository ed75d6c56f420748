//! What is told, to whom and in which words; and sending over real sockets.

mod requests;
mod sending;

use super::{News, Request, RequestError, request};
use crate::spec::crd::{Notify, Occasion};

pub(super) fn news(occasion: Occasion) -> News {
    News {
        occasion,
        uid: "8c1f".to_owned(),
        namespace: "shop".to_owned(),
        release: "shop-7".to_owned(),
        plan: "shop".to_owned(),
        revision: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        step: String::new(),
        message: "3 services to move in 2 waves".to_owned(),
    }
}

/// A receiver as a plan has it.
pub(super) fn receiver(yaml: &str) -> Notify {
    serde_saphyr::from_str(yaml).unwrap()
}

pub(super) fn asked(
    yaml: &str,
    news: &News,
    secret: Option<&str>,
) -> Result<Request, RequestError> {
    request(&receiver(yaml), news, secret)
}

/// A request as text.
pub(super) fn shown(request: &Request) -> String {
    let authorization = request.authorization.as_ref();
    let header = authorization.map(|(name, value)| format!("{name}: {value}\n"));
    format!(
        "POST {}\n{}content-type: {}\n\n{}",
        request.url,
        header.unwrap_or_default(),
        request.content_type,
        request.body
    )
}
