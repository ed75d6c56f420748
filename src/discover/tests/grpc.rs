//! Descriptor sets.

use insta::assert_snapshot;
use prost::Message;
use prost_types::{
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};

use super::{difference, jaeger, proposed, samples, text, told};
use crate::discover::descriptors;
use crate::manifest::Text;

/// A descriptor set with gRPC services, each `package.Service: Method, …`.
pub(super) fn set(services: &[(&str, &str, &[&str])]) -> Text {
    let file = services
        .iter()
        .map(|(package, service, methods)| FileDescriptorProto {
            package: Some((*package).to_owned()),
            service: vec![ServiceDescriptorProto {
                name: Some((*service).to_owned()),
                method: methods
                    .iter()
                    .map(|name| MethodDescriptorProto {
                        name: Some((*name).to_owned()),
                        ..MethodDescriptorProto::default()
                    })
                    .collect(),
                ..ServiceDescriptorProto::default()
            }],
            ..FileDescriptorProto::default()
        });
    let set = FileDescriptorSet {
        file: file.collect(),
    };
    Text {
        file: "orders.pb".to_owned(),
        bytes: set.encode_to_vec(),
    }
}

fn orders() -> Text {
    set(&[
        ("shop.v1", "Orders", &["Get", "Place"]),
        ("shop.v2", "Orders", &["Get", "Place", "Cancel"]),
        ("grpc.health.v1", "Health", &["Check"]),
    ])
}

#[test]
fn methods_become_versions_and_a_caller_may_call_any_contract() {
    let sources = vec![
        descriptors("orders", &orders()),
        jaeger(&text("j", samples::JAEGER)),
    ];
    assert_snapshot!(proposed(sources), @r"
    apiVersion: tidegate.dev/v1alpha1
    kind: ServiceGraph
    metadata:
      name: shop
    spec:
      services:
      - name: catalog
      - name: orders
        serves:
        - contract: shop.v1.Orders
          versions:
          - Get
          - Place
        - contract: shop.v2.Orders
          versions:
          - Cancel
          - Get
          - Place
        calls:
        - service: catalog # seen by jaeger (1 call)
      - name: web
        calls:
        - service: orders # seen by jaeger (1234 calls); which of its contracts is not known
          contract: shop.v1.Orders
        - service: orders # seen by jaeger (1234 calls); which of its contracts is not known
          contract: shop.v2.Orders
    ");
}

#[test]
fn what_is_served_is_compared_with_what_is_declared() {
    let graph = "
apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - name: orders
    serves: [{contract: shop.v1.Orders, versions: [Get, Drop]}]
  - {name: web, calls: [{service: orders, contract: shop.v1.Orders, version: Get}]}
";
    assert_snapshot!(difference(vec![descriptors("orders", &orders())], graph), @r"
    Contracts that differ: 2
      ~ orders shop.v1.Orders: serves and does not declare Place; declares and does not serve Drop
      ~ orders shop.v2.Orders: is not declared; it serves Cancel, Get, Place
    0 edges in both, 0 seen and not declared, 0 declared and never seen
    ");
}

#[test]
fn what_is_no_descriptor_set_is_told_how_to_make_one() {
    let problems = |bytes: &[u8]| {
        let file = Text {
            file: "orders.proto".to_owned(),
            bytes: bytes.to_vec(),
        };
        told(&descriptors("orders", &file).1).join("\n")
    };
    assert_snapshot!(problems(b"syntax = \"proto3\";\nservice Orders {}\n"), @"orders.proto:1:1: no gRPC descriptor set: failed to decode Protobuf message: invalid wire type value: 7 [TG0106]; this is the source; compile it with `protoc --descriptor_set_out=FILE` or `buf build -o FILE.binpb`");
    assert_snapshot!(problems(b"\x0a\xff\xff"), @"orders.proto:1:1: no gRPC descriptor set: failed to decode Protobuf message: FileDescriptorSet.file: invalid varint [TG0106]; make it with `protoc --descriptor_set_out=FILE` or `buf build -o FILE.binpb`");
    assert_snapshot!(problems(b""), @"orders.proto:1:1: there is no gRPC service in it [TG0111]; make it with `protoc --descriptor_set_out=FILE` or `buf build -o FILE.binpb`");
    assert_snapshot!(problems(&vec![0; 17 << 20]), @"orders.proto:1:1: the file takes more than the limit of 16 MiB [TG0109]; leave out the source information");
}

#[test]
fn contracts_that_a_graph_cannot_name_are_left_out_and_told() {
    let long = "Long".repeat(20);
    let file = set(&[
        ("shop", &long, &["Get"]),
        ("shop", "Empty", &[]),
        ("shop", "Spaced", &["Get it"]),
        ("", "Plain", &["Get"]),
    ]);
    let (found, problems) = descriptors("orders", &file);
    assert_eq!(found.contracts.len(), 1);
    assert_eq!(found.contracts[0].contract, "Plain");
    assert_snapshot!(told(&problems).join("\n"), @r"
    orders.pb:1:1: `shop.Empty` is left out: it has no method [TG0403]; declare this contract by hand, under a name of your own
    orders.pb:1:1: `shop.LongLongLongLongLongLongLongLongLongLongLongLongLongLon…` is left out: its name has 85 characters, at most 63 are allowed [TG0403]; declare this contract by hand, under a name of your own
    orders.pb:1:1: `shop.Spaced` is left out: its method `Get it` has white space in it and is no semver range such as `>=1.2, <2` [TG0403]; declare this contract by hand, under a name of your own
    ");
}
