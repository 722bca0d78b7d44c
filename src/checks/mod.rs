//! What can be wrong: one file a check. A check says what is wrong and what should be, never how that is written;
//! its words that are always the same stand in the rule that uses it.

mod below_somaxconn;
mod drift;
mod facts;
mod half_open;
mod ignores;
mod live_drift;
mod needs_relisten;
mod not_read;
mod overflow;
mod problems;
mod queue_below_minimum;
mod queue_clamped;
mod queue_filling;
mod queue_short;
mod refuses_to_start;
mod remedy;
mod repair;
mod reuseport_unbalanced;
mod running;
mod sixteen_bits;
mod somaxconn_assumed;
mod syn_backlog_ignored;
mod syn_queue_short;
mod sysctl_conf_ignored;
mod sysctl_invalid;
mod sysctl_not_applied;
mod sysctl_octal;
mod sysctl_overridden;
mod sysctl_tools_disagree;
mod sysctl_typo;
mod sysctl_value;
mod unknown_listener;
mod upstream_shorter;
mod wrong_knob;

use serde::Deserialize;

use crate::model::Finding;
pub use facts::{Facts, Once, Socket};

/// Declares the enum of all checks; a rule names one as `[check.kebab-case]` and gives its parameters there.
macro_rules! checks {
    (
        of the files: $($module:ident::$check:ident),*;
        of the running machine: $($live_module:ident::$live:ident),*;
    ) => {
        #[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Check {
            $($check($module::$check),)*
            $($live($live_module::$live),)*
        }

        impl Check {
            pub fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
                match self {
                    $(Check::$check(check) => check.judge(facts),)*
                    $(Check::$live(check) => check.judge(facts),)*
                }
            }

            /// Whether it looks at the running machine; without one it finds nothing.
            pub fn is_live(&self) -> bool {
                matches!(self, $(Check::$live(_))|*)
            }

            /// Why it would never speak, if its parameters leave nothing to find.
            pub fn is_idle(&self) -> Option<&'static str> {
                match self {
                    Check::SysctlValue(check) => check.is_idle(),
                    Check::QueueShort(check) => check.is_idle(),
                    _ => None,
                }
            }

            /// Whether it compares with what a policy wants; without that it finds nothing.
            pub fn is_about_minimums(&self) -> bool {
                matches!(self, Check::QueueBelowMinimum(_))
            }

            /// Whether it tells what the audit stands on, not what is wrong.
            pub fn is_premise(&self) -> bool {
                matches!(self, Check::SomaxconnAssumed(_))
            }

            pub fn is_about_ignores(&self) -> bool {
                matches!(self, Check::Ignores(_))
            }
        }
    };
}

checks! {
    of the files:
    below_somaxconn::BelowSomaxconn,
    ignores::Ignores,
    not_read::NotReadFiles,
    problems::Problems,
    queue_below_minimum::QueueBelowMinimum,
    queue_clamped::QueueClamped,
    queue_short::QueueShort,
    refuses_to_start::RefusesToStart,
    sixteen_bits::SixteenBits,
    somaxconn_assumed::SomaxconnAssumed,
    syn_backlog_ignored::SynBacklogIgnored,
    syn_queue_short::SynQueueShort,
    sysctl_conf_ignored::SysctlConfIgnored,
    sysctl_invalid::SysctlInvalid,
    sysctl_not_applied::SysctlNotApplied,
    sysctl_octal::SysctlOctal,
    sysctl_overridden::SysctlOverridden,
    sysctl_tools_disagree::SysctlToolsDisagree,
    sysctl_typo::SysctlTypo,
    sysctl_value::SysctlValue,
    upstream_shorter::UpstreamShorter,
    wrong_knob::WrongKnob;

    of the running machine:
    half_open::HalfOpenFlood,
    live_drift::LiveDrift,
    needs_relisten::NeedsRelisten,
    overflow::Overflow,
    queue_filling::QueueFilling,
    reuseport_unbalanced::ReuseportUnbalanced,
    unknown_listener::UnknownListener;
}
