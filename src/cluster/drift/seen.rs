//! What the watches have shown of a plan's objects: who has written each since it was released.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::{DynamicObject, PartialObjectMeta};
use kube::runtime::watcher::Event;

use crate::cluster::write::OUR_MANAGERS;
use crate::drift::{Writer, later_writers};
use crate::spec::ObjectRef;

/// One object as its metadata has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The version of which this is said.
    pub(super) version: String,
    /// Who else has written it since tidegate has.
    pub(super) writers: Vec<Writer>,
}

/// The objects of one kind.
#[derive(Debug, Default)]
pub(super) struct Seen {
    known: BTreeMap<String, Known>,
    listed: BTreeSet<String>,
    /// Whether everything was listed once.
    pub(super) is_whole: bool,
}

impl Seen {
    /// Takes an event in; whether it may matter.
    pub(super) fn take(&mut self, event: Event<PartialObjectMeta<DynamicObject>>) -> bool {
        match event {
            Event::Init => {
                self.listed.clear();
                false
            }
            Event::InitApply(object) => {
                self.listed.extend(object.metadata.name.clone());
                self.keep(object)
            }
            Event::InitDone => {
                self.known.retain(|name, _| self.listed.contains(name));
                self.is_whole = true;
                true
            }
            Event::Apply(object) => self.keep(object),
            Event::Delete(object) => {
                let name = object.metadata.name.unwrap_or_default();
                self.known.remove(&name).is_some()
            }
        }
    }

    fn keep(&mut self, object: PartialObjectMeta<DynamicObject>) -> bool {
        let metadata = object.metadata;
        let entries = metadata.managed_fields.unwrap_or_default();
        let known = Known {
            version: metadata.resource_version.unwrap_or_default(),
            writers: later_writers(&entries, &OUR_MANAGERS),
        };
        let name = metadata.name.unwrap_or_default();
        let before = self.known.insert(name, known.clone());
        before.is_none_or(|before| before.writers != known.writers)
    }

    /// What is known of an object; `None`: it is not there, or does not carry the plan's label.
    pub(super) fn get(&self, object: &ObjectRef) -> Option<&Known> {
        self.known.get(&object.name)
    }
}
