//! Pictures of plans that people could write, hostile names included.

use std::collections::{BTreeMap, BTreeSet};

use super::{Picture, dot, layout, markdown, mermaid, svg};
use crate::graph::{Member, Moves, Revision, System};
use crate::plan::{headline, plan, step_words};
use crate::spec::{ContractName, Interface, Manner, Need, Requirement, ServiceName, Version};

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).expect("a name")
}

fn interface(serves: &[&str], own: &str, calls: &[(&str, &str)]) -> Interface {
    let versions: BTreeSet<Version> = serves
        .iter()
        .map(|v| Version::parse(v).expect("a version"))
        .collect();
    let calls = calls.iter().map(|(callee, version)| {
        let need = match *version {
            "?" => Need::Unknown,
            version => Need::Version(Version::parse(version).expect("a version")),
        };
        let key = (name(callee), ContractName::from(&name(callee)));
        (key, Requirement::plain(need))
    });
    Interface {
        serves: Some(BTreeMap::from([(ContractName::from(&name(own)), versions)])),
        calls: calls.collect(),
    }
}

/// A service that goes from one interface to another.
type Row<'a> = (
    &'a str,
    &'a [&'a str],
    &'a [(&'a str, &'a str)],
    &'a [&'a str],
    &'a [(&'a str, &'a str)],
);

fn picture(rows: &[Row<'_>]) -> Picture {
    let mut system = System::default();
    for (own, served, called, serves, calls) in rows {
        let member = Member {
            live: vec![Revision::declared("live", interface(served, own, called))],
            target: Some(Revision::declared("target", interface(serves, own, calls))),
            retained: Vec::new(),
            moves: Moves::Roll,
            after: BTreeSet::new(),
            manner: Manner::default(),
        };
        system.services.insert(name(own), member);
    }
    let plan = plan(&system);
    Picture::new(&plan, headline(&system, &plan), &step_words(&system, &plan))
}

fn ordered() -> Picture {
    picture(&[
        ("end", &["1"], &[], &["1", "2"], &[]),
        (
            "cart",
            &["1"],
            &[("end", "1")],
            &["1", "2"],
            &[("end", "2")],
        ),
        (
            "web",
            &["1"],
            &[("cart", "1"), ("end", "1")],
            &["1"],
            &[("cart", "2"), ("end", "2")],
        ),
        ("guess", &["1"], &[("end", "?")], &["1"], &[("end", "?")]),
    ])
}

fn refused() -> Picture {
    picture(&[
        ("orders", &["1"], &[], &["2"], &[]),
        (
            "web",
            &["1"],
            &[("orders", "1")],
            &["1"],
            &[("orders", "2")],
        ),
    ])
}

#[test]
fn waves_stand_from_left_to_right_and_implied_arrows_are_left_out() {
    insta::assert_snapshot!(dot(&ordered()), @r##"
    digraph plan {
      label="Safe as far as contracts are declared; 1 edge is assumed. 3 waves. Longest path end → cart → web."; labelloc=t; rankdir=LR;
      node [shape=box, style=rounded, fontname="sans-serif"];
      edge [color="#59636e"];
      subgraph cluster_1 {
        label="Wave 1"; style=dotted;
        "end" [label="end\nroll\nserves end: 1 → 1, 2"];
      }
      subgraph cluster_2 {
        label="Wave 2"; style=dotted;
        "cart" [label="cart\nroll\nserves cart: 1 → 1, 2\ncalls end: 1 → 2"];
        "guess" [label="guess\nroll"];
      }
      subgraph cluster_3 {
        label="Wave 3"; style=dotted;
        "web" [label="web\nroll\ncalls cart: 1 → 2\ncalls end: 1 → 2"];
      }
      "end" -> "cart";
      "end" -> "guess" [style=dashed];
      "cart" -> "web";
    }
    "##);
    insta::assert_snapshot!(mermaid(&ordered()), @r#"
    %% Safe as far as contracts are declared; 1 edge is assumed. 3 waves. Longest path end → cart → web.
    flowchart LR
      subgraph wave1["Wave 1"]
        s0["end<br/>roll"]
      end
      subgraph wave2["Wave 2"]
        s1["cart<br/>roll"]
        s2["guess<br/>roll"]
      end
      subgraph wave3["Wave 3"]
        s3["web<br/>roll"]
      end
      s0 --> s1
      s0 -.-> s2
      s1 --> s3
    "#);
    insta::assert_snapshot!(markdown(&ordered()), @r#"
    **Safe as far as contracts are declared; 1 edge is assumed. 3 waves. Longest path end → cart → web.**

    ```mermaid
    %% Safe as far as contracts are declared; 1 edge is assumed. 3 waves. Longest path end → cart → web.
    flowchart LR
      subgraph wave1["Wave 1"]
        s0["end<br/>roll"]
      end
      subgraph wave2["Wave 2"]
        s1["cart<br/>roll"]
        s2["guess<br/>roll"]
      end
      subgraph wave3["Wave 3"]
        s3["web<br/>roll"]
      end
      s0 --> s1
      s0 -.-> s2
      s1 --> s3
    ```

    | wave | service | | changes | because |
    |---|---|---|---|---|
    | 1 | `end` | roll | serves end: 1 → 1, 2 |  |
    | 2 | `cart` | roll | serves cart: 1 → 1, 2<br>calls end: 1 → 2 | end must answer 2 everywhere first: cart@target calls end 2, end@live serves 1 |
    | 2 | `guess` | roll |  | end is assumed to go first: nobody declared what guess@target and end@live speak (end) |
    | 3 | `web` | roll | calls cart: 1 → 2<br>calls end: 1 → 2 | cart must answer 2 everywhere first: web@target calls cart 2, cart@live serves 1<br>end must answer 2 everywhere first: web@target calls end 2, end@live serves 1 |

    * assumed, not proved, for want of a declared contract: guess → end \[TG0207\]
    "#);
}

#[test]
fn a_refusal_is_drawn_as_its_cycle() {
    insta::assert_snapshot!(dot(&refused()), @r##"
    digraph plan {
      label="Refused [TG0203]: no safe order exists between orders, web"; labelloc=t; rankdir=LR;
      node [shape=box, style=rounded, fontname="sans-serif"];
      edge [color="#cf222e"];
      "orders" [label="orders"];
      "web" [label="web"];
      "orders" -> "web";
      "web" -> "orders";
    }
    "##);
    insta::assert_snapshot!(mermaid(&refused()), @r#"
    %% Refused [TG0203]: no safe order exists between orders, web
    flowchart LR
      s0["orders"]
      s1["web"]
      s0 --> s1
      s1 --> s0
      linkStyle default stroke:#cf222e
    "#);
    insta::assert_snapshot!(markdown(&refused()), @r#"
    **Refused \[TG0203\]: no safe order exists between orders, web**

    ```mermaid
    %% Refused [TG0203]: no safe order exists between orders, web
    flowchart LR
      s0["orders"]
      s1["web"]
      s0 --> s1
      s1 --> s0
      linkStyle default stroke:#cf222e
    ```

    * each would have to be done before the next: orders → web → orders
    * if web goes before orders: web@target calls orders 2, orders@live serves 1
    * if orders goes before web: web@live calls orders 1, orders@target serves 2
    * way out: split orders
    "#);
    insta::assert_snapshot!(svg(&refused()));
}

#[test]
fn calls_that_fail_whatever_the_order_are_drawn_as_calls() {
    let picture = picture(&[
        ("orders", &["1"], &[], &["1"], &[]),
        (
            "web",
            &["1"],
            &[("orders", "1")],
            &["1"],
            &[("orders", "2")],
        ),
    ]);
    insta::assert_snapshot!(mermaid(&picture), @r#"
    %% Refused [TG0202]: the release would end unsafe, whatever the order
    flowchart LR
      s0["orders"]
      s1["web"]
      s1 -->|"orders"| s0
      linkStyle default stroke:#cf222e
    "#);
}

/// All that a service, a contract or a version may be called goes through these characters; titles and reasons too.
#[test]
fn nothing_that_is_text_is_ever_markup() {
    let hostile = "</text><script>alert('1')</script>\"&\\|`*\n\u{1}";
    let mut picture = ordered();
    picture.title = hostile.to_owned();
    picture.notes = vec![hostile.to_owned()];
    for card in picture.groups.iter_mut().flat_map(|group| &mut group.boxes) {
        card.changes = vec![hostile.to_owned()];
        card.because = vec![hostile.to_owned()];
    }
    for arrow in &mut picture.arrows {
        arrow.label = hostile.to_owned();
    }
    let drawn = svg(&picture);
    assert!(
        !drawn.contains("<script") && !drawn.contains('\u{1}'),
        "{drawn}"
    );
    assert!(!markdown(&picture).contains("<script"));
    let attributes = dot(&picture);
    assert!(attributes.contains("\\\"&\\\\|"), "{attributes}");
    assert!(!mermaid(&picture).contains("<script"));
}

#[test]
fn no_boxes_overlap_and_arrows_run_from_left_to_right() {
    let picture = ordered();
    let size = |_: &str| (100.0, 40.0);
    let layout = layout::columns(&picture, size);
    let boxes: Vec<_> = layout.boxes.values().collect();
    for (at, one) in boxes.iter().enumerate() {
        for other in boxes.iter().skip(at + 1) {
            let apart = one.x + one.width <= other.x
                || other.x + other.width <= one.x
                || one.y + one.height <= other.y
                || other.y + other.height <= one.y;
            assert!(apart, "{one:?} and {other:?}");
        }
        assert!(one.x >= 0.0 && one.x + one.width <= layout.width);
        assert!(one.y >= 0.0 && one.y + one.height <= layout.height);
    }
    for route in &layout.routes {
        assert!(
            route.windows(2).all(|pair| pair[0].0 <= pair[1].0),
            "{route:?}"
        );
    }
}

#[test]
fn an_empty_plan_has_a_picture_too() {
    let picture = picture(&[]);
    assert!(svg(&picture).contains("Nothing moves."));
    assert_eq!(markdown(&picture), "**Nothing moves.**");
}
