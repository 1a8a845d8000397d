//! Templates that belong together: what files define, and texts that use it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::TemplateError;
use crate::functions::{Environment, Functions};
use crate::gotmpl::exec::Runtime;
use crate::gotmpl::node::Tree;
use crate::gotmpl::parser::parse;
use crate::limits::Limits;
use crate::value::Value;

/// How the values that a template writes are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escaping {
    /// Not at all: the result is plain text.
    None,
    /// As their place in HTML asks for: text, attribute, URL, script, style.
    Html,
}

/// A text that has been read and can be carried out many times.
#[derive(Debug)]
pub struct Template {
    name: String,
    trees: Vec<Tree>,
    functions: Functions,
    limits: Limits,
}

impl Template {
    /// Reads `text`, which errors call `name`.
    ///
    /// # Errors
    /// [`TemplateError::Parse`] names the line and what is wrong there.
    pub fn parse(name: &str, text: &str, functions: Functions) -> Result<Self, TemplateError> {
        let trees = parse(name, text, &functions)?;
        Ok(Self { name: name.to_owned(), trees, functions, limits: Limits::default() })
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the text was called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Carries it out with `data` as `.`.
    ///
    /// # Errors
    /// [`TemplateError`] names line, column and part of the template, and what is wrong there.
    pub fn execute(
        &self,
        data: &Value,
        escaping: Escaping,
        environment: &Environment<'_>,
    ) -> Result<String, TemplateError> {
        execute(
            Trees { base: None, own: &self.trees },
            &self.name,
            &self.functions,
            self.limits,
            data,
            escaping,
            environment,
        )
    }
}

/// The definitions of any number of files.
#[derive(Debug, Clone)]
pub struct TemplateSet {
    trees: HashMap<String, Arc<Tree>>,
    functions: Functions,
    limits: Limits,
}

impl TemplateSet {
    /// A set without definitions, whose texts may call `functions`.
    #[must_use]
    pub fn new(functions: Functions) -> Self {
        Self { trees: HashMap::new(), functions, limits: Limits::default() }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds what `text` defines, and the text itself as the definition `name` (for a file: its name without folder).
    /// Definitions of before are replaced, except by ones that are empty.
    ///
    /// # Errors
    /// [`TemplateError::Parse`] names the line and what is wrong there; the set is then as it was.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), TemplateError> {
        for tree in parse(name, text, &self.functions)? {
            let kept = tree.is_empty() && self.trees.contains_key(&tree.name);
            if !kept {
                self.trees.insert(tree.name.clone(), Arc::new(tree));
            }
        }
        Ok(())
    }

    /// The names of all definitions, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.trees.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Whether there is a definition of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.trees.contains_key(name)
    }

    /// Reads `text` without carrying it out: whether it is a template, and calls only functions that exist.
    ///
    /// # Errors
    /// [`TemplateError::Parse`] names the line and what is wrong there.
    pub fn check(&self, text: &str) -> Result<(), TemplateError> {
        parse("", text, &self.functions).map(|_| ())
    }

    /// Carries out `text`, which may use and redefine the definitions of the set, with `data` as `.`. Errors call the
    /// text by the empty name.
    ///
    /// # Errors
    /// [`TemplateError`] names line, column and part of the template, and what is wrong there.
    pub fn execute_text(
        &self,
        text: &str,
        data: &Value,
        escaping: Escaping,
        environment: &Environment<'_>,
    ) -> Result<String, TemplateError> {
        if !text.contains("{{") && escaping == Escaping::None {
            return Ok(text.to_owned());
        }
        let own = parse("", text, &self.functions)?;
        execute(
            Trees { base: Some(&self.trees), own: &own },
            "",
            &self.functions,
            self.limits,
            data,
            escaping,
            environment,
        )
    }

    /// Carries out the definition `name` with `data` as `.`.
    ///
    /// # Errors
    /// [`TemplateError`] names line, column and part of the template, and what is wrong there.
    pub fn execute(
        &self,
        name: &str,
        data: &Value,
        escaping: Escaping,
        environment: &Environment<'_>,
    ) -> Result<String, TemplateError> {
        execute(
            Trees { base: Some(&self.trees), own: &[] },
            name,
            &self.functions,
            self.limits,
            data,
            escaping,
            environment,
        )
    }
}

fn execute(
    trees: Trees<'_>,
    name: &str,
    functions: &Functions,
    limits: Limits,
    data: &Value,
    escaping: Escaping,
    environment: &Environment<'_>,
) -> Result<String, TemplateError> {
    let tree = trees.get(name).ok_or_else(|| TemplateError::Missing { name: name.to_owned() })?;
    let mut runtime = Runtime::new(trees, functions, environment, data, limits, escaping == Escaping::Html);
    runtime.run(tree, data)?;
    runtime.finish(name)
}

/// The definitions that one execution sees: those of its own text before those of the set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trees<'t> {
    base: Option<&'t HashMap<String, Arc<Tree>>>,
    own: &'t [Tree],
}

impl<'t> Trees<'t> {
    pub(crate) fn get(&self, name: &str) -> Option<&'t Tree> {
        let own = self.own.iter().find(|tree| tree.name == name);
        let base = || self.base.and_then(|trees| trees.get(name)).map(|tree| &**tree);
        match own {
            // A definition that is empty does not hide one that isn't.
            Some(tree) if tree.is_empty() && !name.is_empty() => base().or(own),
            Some(_) => own,
            None => base(),
        }
    }

    /// The same with the definitions of a text within the text.
    pub(crate) fn with<'s>(&self, own: &'s [Tree]) -> Trees<'s>
    where
        't: 's,
    {
        Trees { base: self.base, own }
    }
}
