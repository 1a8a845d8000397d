//! A host from a recording: JSON in the shape of [`crate::source`], for tests on every system. What a recording lacks,
//! its host lacks.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::source::{
    CounterQuery, Counters, Interface, Memory, PageFile, Process, Processor, Service, Source, SourceError, System,
    Volume,
};

/// A recorded host.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recorded {
    /// Counters by object.
    pub counters: BTreeMap<String, Counters>,
    /// See [`Source::processors`].
    pub processors: Option<Vec<Processor>>,
    /// See [`Source::memory`].
    pub memory: Option<Memory>,
    /// See [`Source::system`].
    pub system: Option<System>,
    /// See [`Source::page_files`].
    pub page_files: Option<Vec<PageFile>>,
    /// See [`Source::volumes`].
    pub volumes: Option<Vec<Volume>>,
    /// See [`Source::interfaces`].
    pub interfaces: Option<Vec<Interface>>,
    /// See [`Source::services`].
    pub services: Option<Vec<Service>>,
    /// See [`Source::processes`].
    pub processes: Option<Vec<Process>>,
}

impl Recorded {
    /// Reads a recording.
    ///
    /// # Errors
    /// serde_json's, with line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl Source for Recorded {
    fn counters(&self, query: &CounterQuery) -> Result<Counters, SourceError> {
        self.counters
            .get(query.object)
            .cloned()
            .ok_or_else(|| SourceError::missing(format!("performance object {:?}", query.object)))
    }

    fn processors(&self) -> Result<Vec<Processor>, SourceError> {
        known(self.processors.as_ref(), "processor times")
    }

    fn memory(&self) -> Result<Memory, SourceError> {
        known(self.memory.as_ref(), "memory status")
    }

    fn system(&self) -> Result<System, SourceError> {
        known(self.system.as_ref(), "system information")
    }

    fn page_files(&self) -> Result<Vec<PageFile>, SourceError> {
        known(self.page_files.as_ref(), "paging files")
    }

    fn volumes(&self) -> Result<Vec<Volume>, SourceError> {
        known(self.volumes.as_ref(), "volumes")
    }

    fn interfaces(&self) -> Result<Vec<Interface>, SourceError> {
        known(self.interfaces.as_ref(), "network interfaces")
    }

    fn services(&self, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Service>, SourceError> {
        let mut services = known(self.services.as_ref(), "services")?;
        services.retain(|service| wanted(&service.name));
        Ok(services)
    }

    fn processes(&self, command_lines: bool) -> Result<Vec<Process>, SourceError> {
        let mut processes = known(self.processes.as_ref(), "processes")?;
        if !command_lines {
            processes.iter_mut().for_each(|process| process.command_line.clear());
        }
        Ok(processes)
    }
}

fn known<T: Clone>(value: Option<&T>, what: &str) -> Result<T, SourceError> {
    value.cloned().ok_or_else(|| SourceError::missing(what))
}
