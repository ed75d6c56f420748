//! Inputs that want to break something: mutated samples through every importer, and on to a proposal.

use std::collections::BTreeMap;

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, proptest};

use super::{backstage, jaeger, manifests, merge, prometheus, propose, samples, text, zipkin};
use crate::discover::{Found, descriptors, pact, recognise};
use crate::manifest::Text;
use crate::spec::{ServiceName, check_graph};

/// A change of a file: at which part of it, how much is taken away, what is put there.
type Change = (f64, usize, &'static str);

#[rustfmt::skip]
const PIECES: &[&str] = &[
    "", "\"", "{", "}", "[", "]", ",", ":", "null", "-1", "1e999", "true", "\\u0000", "\\ud800", "\n", " ", "é", "\u{2028}",
    "\"parent\"", "\"child\"", "\"data\"", "\"metric\"", "\"value\"", "web", "Web Shop", "unknown", "a.b", "---\n", "&a ", "*a",
    "kind: API\n", "component:", "/", "://", "@", "#", "\u{7}", "999999999999999999999999", "0.1", "\"NaN\"",
];

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let piece = proptest::sample::select(PIECES);
    proptest::collection::vec((0.0..1.0_f64, 0_usize..40, piece), 0..8)
}

fn changed(sample: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for (part, taken, piece) in changes {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a part of a small length"
        )]
        let at = (part * bytes.len() as f64) as usize;
        let end = (at + taken).min(bytes.len());
        bytes.splice(at..end, piece.bytes());
    }
    bytes
}

fn sample() -> impl Strategy<Value = Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        samples::JAEGER,
        samples::ZIPKIN,
        samples::SERVICE_GRAPH,
        samples::ISTIO,
        samples::BACKSTAGE,
        samples::MANIFESTS,
        samples::PACT,
    ]
    .map(|sample| sample.as_bytes().to_vec())
    .into();
    all.push(super::grpc::set(&[("shop", "Orders", &["Get", "Place"])]).bytes);
    proptest::sample::select(all)
}

/// Every importer takes every file; what they found makes a proposal that reads back as it was.
fn through_all(bytes: Vec<u8>) -> (Found, Text) {
    let text = Text {
        file: "f".to_owned(),
        bytes,
    };
    let mut all = Found::default();
    let texts = std::slice::from_ref(&text);
    for (found, _) in [
        jaeger(&text),
        zipkin(&text),
        prometheus(&text),
        descriptors("orders", &text),
        backstage(texts),
        manifests(texts),
    ] {
        all.sources.extend(found.sources);
        all.services.extend(found.services);
        all.edges.extend(found.edges);
        all.contracts.extend(found.contracts);
    }
    let _ = pact(&text).1.len();
    let _ = recognise(&text).is_ok();
    (all, text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_file_makes_an_importer_panic_and_every_proposal_is_good(sample in sample(), changes in changes()) {
        let (found, _) = through_all(changed(&sample, &changes));
        let (discovery, _) = merge(vec![found], &BTreeMap::new());
        if let Ok(yaml) = propose(&discovery, &ServiceName::parse("shop").unwrap()) {
            let (manifests, problems) = crate::manifest::read(&[text("graph.yaml", &yaml)]);
            prop_assert_eq!(problems, Vec::new(), "{}", yaml);
            let (graph, problems) = check_graph("shop", &manifests.graphs[0].value.spec);
            prop_assert_eq!(problems, Vec::new(), "{}", yaml);
            prop_assert_eq!(graph.services.len() + graph.external.len() > 0, true);
        }
    }

    #[test]
    fn no_bytes_make_an_importer_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        through_all(bytes);
    }
}
