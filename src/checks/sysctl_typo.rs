//! A key that the kernel does not know, a small edit away from one that it knows.

use serde::Deserialize;

use super::facts::Facts;
use super::repair::{Repair, fix, stays};
use crate::model::{Finding, PlaceId, Suspect};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysctlTypo {}

impl SysctlTypo {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let places = facts.places.iter();
        let suspects =
            places.flat_map(|(id, place)| place.sysctls.suspects.iter().map(|suspect| (*id, suspect)));
        suspects.map(|(place, suspect)| finding(facts, place, suspect)).collect()
    }
}

fn finding(facts: &Facts<'_>, place: PlaceId, suspect: &Suspect) -> Finding {
    let written = facts.sources.text(suspect.key_at);
    let message = format!("there is no sysctl `{written}`; did you mean {}?", suspect.meant);
    let known = facts.host.place(place).and_then(|place| place.sysctls.get(&suspect.meant));
    let says =
        known.map_or_else(|| "not applied".to_owned(), |sysctl| format!("not applied: {}", stays(sysctl)));
    let mend = suspect.mend.as_ref().zip(suspect.value);
    let mend = mend.and_then(|(edit, gives)| facts.mend(place, &Repair { key: &suspect.meant, edit, gives }));
    let finding = facts.finding(place, suspect.key_at, message).label(suspect.key_at, says);
    let fix = fix(format!("write {}", suspect.meant), mend);
    let winner = known.and_then(|sysctl| sysctl.winner());
    let help = match (&fix, known, winner) {
        (None, Some(_), Some(winner)) => {
            format!(
                "write {}, and check that it does not contradict {}",
                suspect.meant,
                facts.line(winner.value_at)
            )
        }
        (None, Some(_), None) => {
            format!("write {}, or delete the line if you do not want its number", suspect.meant)
        }
        _ => format!("write {}", suspect.meant),
    };
    finding.help(help).fix(fix)
}
