//! gRPC descriptor sets: what a service serves, its methods as versions.
//!
//! `protoc --include_imports --descriptor_set_out=FILE` and `buf build -o FILE.binpb` write a `FileDescriptorSet`
//! (protocolbuffers/protobuf: src/google/protobuf/descriptor.proto). It says what there is, not who serves it: whose it
//! is must be told.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use prost_types::FileDescriptorSet;

use super::seen::{Found, SeenContract, Source};
use crate::manifest::{FILE_BYTES_MAX, Spot, Text, shorten};
use crate::spec::{Code, ContractName, Problem, Version};

/// Packages that every gRPC server may have beside its own; no client's order depends on them.
const INFRASTRUCTURE: [&str; 2] = ["grpc.", "google."];
/// How many methods of one contract a graph can name.
const METHODS_MAX: usize = 200;
/// How many contracts of one service a graph can name.
const CONTRACTS_MAX: usize = 50;

/// Reads the descriptor set of a service.
///
/// In: the service's name and the binary file. Out: one contract for each gRPC service in it, named as the protocol names
/// it (`shop.v1.Orders`), its methods as versions; and every problem.
pub fn descriptors(service: &str, text: &Text) -> (Found, Vec<Problem>) {
    let mut found = Found::from(Source::Descriptors);
    let start = Spot::START.in_file(&text.file);
    let refuse = |code, wrong: String, hint: &str| {
        vec![Problem::error(code, "", wrong).hint(hint).at(start.clone())]
    };
    if text.bytes.len() > FILE_BYTES_MAX {
        let mebibytes = FILE_BYTES_MAX / (1024 * 1024);
        let wrong = format!("the file takes more than the limit of {mebibytes} MiB");
        let hint = "leave out the source information";
        return (found, refuse(Code::TooLarge, wrong, hint));
    }
    let set = match FileDescriptorSet::decode(text.bytes.as_slice()) {
        Ok(set) => set,
        Err(error) => {
            // The words are those of the decoder; nothing of the file is in them.
            let wrong = format!("no gRPC descriptor set: {error}");
            return (found, refuse(Code::Syntax, wrong, how_to_make(text)));
        }
    };
    let mut problems = Vec::new();
    let mut contracts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &set.file {
        for declared in &file.service {
            let contract = match file.package() {
                "" => declared.name().to_owned(),
                package => format!("{package}.{}", declared.name()),
            };
            if INFRASTRUCTURE
                .iter()
                .any(|known| contract.starts_with(known))
            {
                continue;
            }
            let methods = declared
                .method
                .iter()
                .map(|method| method.name().to_owned());
            contracts.entry(contract).or_default().extend(methods);
        }
    }
    if contracts.is_empty() {
        let wrong = "there is no gRPC service in it".to_owned();
        problems.extend(refuse(Code::NothingFound, wrong, how_to_make(text)));
    }
    if contracts.len() > CONTRACTS_MAX {
        let wrong = format!(
            "{} gRPC services, and a graph takes {CONTRACTS_MAX} of one service",
            contracts.len()
        );
        let hint = "make a descriptor set of what this service serves, without its imports";
        problems.extend(refuse(Code::TooLarge, wrong, hint));
        contracts.clear();
    }
    for (contract, versions) in contracts {
        match sayable(&contract, &versions) {
            Ok(()) => found.contracts.push(SeenContract {
                service: service.to_owned(),
                contract,
                versions,
                source: Source::Descriptors,
                file: text.file.clone(),
            }),
            Err(wrong) => {
                let wrong = format!("`{}` is left out: {wrong}", shorten(&contract));
                let hint = "declare this contract by hand, under a name of your own";
                let problem = Problem::error(Code::LeftOut, "", wrong).warning();
                problems.push(problem.hint(hint).at(start.clone()));
            }
        }
    }
    (found, problems)
}

/// Whether a graph can name a contract and its methods.
fn sayable(contract: &str, methods: &BTreeSet<String>) -> Result<(), String> {
    ContractName::parse(contract).map_err(|error| format!("its name {error}"))?;
    if methods.is_empty() {
        return Err("it has no method".to_owned());
    }
    if methods.len() > METHODS_MAX {
        return Err(format!(
            "it has {} methods, and a graph takes {METHODS_MAX}",
            methods.len()
        ));
    }
    for method in methods {
        Version::parse(method)
            .map_err(|error| format!("its method `{}` {error}", shorten(method)))?;
    }
    Ok(())
}

fn how_to_make(text: &Text) -> &'static str {
    if str::from_utf8(&text.bytes).is_ok_and(|source| source.contains("syntax")) {
        "this is the source; compile it with `protoc --descriptor_set_out=FILE` or `buf build -o FILE.binpb`"
    } else {
        "make it with `protoc --descriptor_set_out=FILE` or `buf build -o FILE.binpb`"
    }
}
