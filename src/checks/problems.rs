//! What readers met: listeners that get in each other's way, files that do not read.

use serde::Deserialize;

use super::facts::Facts;
use crate::model::{Finding, Problem, ProblemKind, Severity};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problems {
    kinds: Vec<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Conflict,
    Lost,
    Skipped,
    CutOff,
    NotFollowed,
}

impl From<ProblemKind> for Kind {
    fn from(kind: ProblemKind) -> Self {
        match kind {
            ProblemKind::Conflict => Kind::Conflict,
            ProblemKind::Lost => Kind::Lost,
            ProblemKind::Skipped => Kind::Skipped,
            ProblemKind::CutOff => Kind::CutOff,
            ProblemKind::NotFollowed => Kind::NotFollowed,
        }
    }
}

impl Problems {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let ours = facts.problems.iter().filter(|problem| self.kinds.contains(&problem.kind.into()));
        ours.map(|problem| finding(facts, problem)).collect()
    }
}

fn finding(facts: &Facts<'_>, problem: &Problem) -> Finding {
    let severity = match problem.kind {
        ProblemKind::Skipped | ProblemKind::NotFollowed => facts.severity.min(Severity::Info),
        ProblemKind::Conflict | ProblemKind::Lost | ProblemKind::CutOff => facts.severity,
    };
    let service = problem.service.as_ref().and_then(|service| facts.knowledge.service(service));
    let message = match service {
        Some(service) if problem.kind == ProblemKind::Conflict => {
            format!("{} would not start: {}", service.title, problem.message)
        }
        Some(service) => format!("{}: {}", service.title, problem.message),
        None => problem.message.clone(),
    };
    let check = service.and_then(|service| service.apply.check.as_ref());
    let help =
        problem.help.clone().or_else(|| Some(format!("to see the service's own message, run: {}", check?)));
    let finding = facts.finding(facts.place_of(problem.at), problem.at, message);
    Finding { severity, help: help.into_iter().collect(), labels: problem.labels.clone(), ..finding }
}
