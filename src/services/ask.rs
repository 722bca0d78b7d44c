//! What a program asks listen(2) for, and how it comes to its number, each fact in one wording. What the kernel makes of the
//! number is not known here.

use std::fmt;

use super::{Ground, Why};
use crate::knowledge;
use crate::model::{Kind, Setting, Step, Value, Version};
use crate::text::{Slot, Span};

/// What a C int keeps of a number that is too large for it.
pub const CUT: &str = "what fits a C int";
pub const BELOW_0_IS_0: &str = "a number below 0 counts as 0";
pub const BELOW_0_IGNORED: &str = "a number below 0 counts as unset";
pub const BELOW_1_IGNORED: &str = "a number below 1 counts as unset";

/// The number, and the steps to it.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pub backlog: Setting,
    pub steps: Vec<Step>,
}

impl Ask {
    /// A number that stands in a file.
    pub fn written(number: i64, what: impl Into<String>, at: Span) -> Self {
        let backlog = Setting { value: Some(Value::written(number, at)), slot: None };
        Self { backlog, steps: vec![Step { value: Some(number), what: what.into(), at }] }
    }

    /// One that a program has in its code, unless something else holds.
    pub fn of_program(number: i64, unless: Option<impl fmt::Display>, at: Span) -> Self {
        Self::written(number, unless_so("requested by the program", unless), at)
    }

    pub fn unknown(why: impl fmt::Display, at: Span) -> Self {
        let step = Step::note(format!("unknown backlog: {why}"), at);
        Self { steps: vec![step], ..Self::default() }
    }

    /// Something sets it to what is not in the tree.
    pub fn elsewhere(text: &str, at: Span) -> Self {
        Self::unknown(Why::Elsewhere(text.to_owned()), at)
    }

    /// The socket is open already.
    pub fn handed(at: Span) -> Self {
        Self::unknown("the parent process chose it when it opened the socket", at)
    }

    /// With a place to write another number.
    pub fn with(mut self, slot: Option<Slot>) -> Self {
        self.backlog.slot = slot;
        self
    }

    /// With a place to write another number, unless the version is too old to have the setting; that it is so is told.
    pub fn settable(
        self,
        ground: Ground<'_>,
        name: &str,
        version: Option<Version>,
        slot: Option<Slot>,
    ) -> Self {
        match ground.service.too_old(name, version) {
            None => self.with(slot),
            Some(setting) => {
                let mut ask = self;
                ask.steps.push(Step::note(ground.too_old(setting, version), setting.at));
                ask
            }
        }
    }

    /// What becomes of the number on its way to listen(2).
    pub fn becomes(mut self, number: i64, what: impl Into<String>) -> Self {
        let Some(value) = self.backlog.value.as_mut().filter(|value| value.get != number) else {
            return self;
        };
        value.get = number;
        let at = value.span;
        self.steps.push(Step { value: Some(number), what: what.into(), at });
        self
    }

    /// After what did not count.
    pub fn after(mut self, ignored: impl IntoIterator<Item = Step>) -> Self {
        self.steps.splice(..0, ignored);
        self
    }
}

/// What a number is, and what makes it another one.
pub fn unless_so(what: &str, unless: Option<impl fmt::Display>) -> String {
    match unless {
        Some(unless) => format!("{what} unless {unless}"),
        None => what.to_owned(),
    }
}

impl Ground<'_> {
    /// A default in the service's version, and the step that says whose it is.
    pub fn default(&self, name: &str, version: Option<Version>) -> Option<(Value<i64>, Step)> {
        let default = self.service.default_in(name, version)?;
        let kind = self.service.kind_of_default(name, version);
        let title = &self.service.title;
        let what = match (kind, version) {
            (Kind::Assumed, _) => format!("assuming {title}'s default in {}", default.versions),
            (_, Some(version)) if self.service.differs(name) => format!("the default of {title} {version}"),
            _ => format!("{title}'s own default"),
        };
        let value = Value { kind, ..default.value.clone() };
        let step = Step { value: Some(value.get), what, at: value.span };
        Some((value, step))
    }

    /// Which version would have a setting.
    pub fn too_old(&self, setting: &knowledge::Setting, version: Option<Version>) -> String {
        let title = &self.service.title;
        let this = version.map_or(String::new(), |version| format!(" (this is {version})"));
        format!("{} needs {title} {} or later{this}", setting.name, setting.since)
    }

    /// The service's own number.
    pub fn own(&self, name: &str, version: Option<Version>) -> Ask {
        let named = self.service.defaults.iter().any(|default| default.name == name);
        if let (true, None, Some(version)) = (named, self.service.default_in(name, version), version) {
            let why = format!("the default of {} {version} is unknown", self.service.title);
            return Ask::unknown(why, Span::top(self.service.source));
        }
        let (value, step) = self.default(name, version).unzip();
        Ask { backlog: Setting { value, slot: None }, steps: step.into_iter().collect() }
    }

    /// A number of another that the service stands on, in words of its own.
    pub fn own_of(&self, name: &str, what: impl Into<String>) -> Ask {
        let Some(value) = self.service.default(name) else { return Ask::default() };
        let step = Step { value: Some(value.get), what: what.into(), at: value.span };
        Ask { backlog: Setting { value: Some(value), slot: None }, steps: vec![step] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources};

    fn steps(ask: &Ask) -> Vec<(Option<i64>, &str)> {
        ask.steps.iter().map(|step| (step.value, step.what.as_str())).collect()
    }

    #[test]
    fn every_step_to_the_number_is_told() {
        let origin = Origin::File { root: None, path: "a".into() };
        let at = Span::top(Sources::new().add(origin, Vec::new()));
        let slot = Some(Slot::replace(at));
        let asked = Ask::of_program(-5, Some("N is set"), at).with(slot.clone()).becomes(0, BELOW_0_IS_0);
        assert_eq!(asked.backlog, Setting { value: Some(Value::written(0, at)), slot });
        let asks = (Some(-5), "requested by the program unless N is set");
        assert_eq!(steps(&asked), [asks, (Some(0), BELOW_0_IS_0)]);
        assert_eq!(steps(&Ask::written(7, "backlog", at).becomes(7, CUT)), [(Some(7), "backlog")]);
        let ignored = Ask::written(0, BELOW_1_IGNORED, at).steps;
        let own = Ask::written(50, "its own", at).after(ignored);
        assert_eq!(steps(&own), [(Some(0), BELOW_1_IGNORED), (Some(50), "its own")]);
        assert_eq!(own.backlog.value.map(|value| value.get), Some(50));
        assert_eq!(steps(&Ask::unknown("x", at).becomes(1, CUT)), [(None, "unknown backlog: x")]);
    }
}
