//! The program: takes the command line, audits, writes the reports.

#![deny(
    clippy::dbg_macro,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unwrap_used
)]

mod cli;

use std::mem::ManuallyDrop;
use std::process::ExitCode;

use backlog_audit::config;
use backlog_audit::knowledge::Knowledge;
#[cfg(target_os = "linux")]
use backlog_audit::live::{Machine, watch};
use backlog_audit::model::shell;
use backlog_audit::report::human::Again;
use backlog_audit::report::prometheus::Exposition;
use backlog_audit::report::{
    Report, catalogue, checkstyle, concise, github, gitlab, human, json, junit, markdown, ndjson, patch,
    prometheus, sarif,
};
use backlog_audit::rules::{Folder, Rules};
use backlog_audit::text::Sources;
use clap::FromArgMatches;

use crate::cli::door::{self, Door, Failure};
use crate::cli::progress::watched;
use crate::cli::{
    Audit, Catalogue, Cli, Command, Files, Format, Live, LookUp, Output, Schema, View, Watch, habits, pages,
};

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let program = pages::command();
    let words = habits::in_order(&program, std::env::args_os());
    let said = program.try_get_matches_from(words).and_then(|it| Cli::from_arg_matches(&it));
    let mut cli = match said {
        Ok(cli) => cli,
        Err(error) => match habits::answer(&error) {
            Some(failure) => return refuse(&failure, &View::PLAIN),
            None => error.exit(),
        },
    };
    let formats = match &mut cli.command {
        None => cli.audit.format_by_variable(),
        Some(Command::Live(wanted)) if wanted.serve.is_none() => wanted.audit.format_by_variable(),
        _ => Ok(()),
    };
    if let Err(why) = formats {
        return refuse(&Failure::from(why), &View::PLAIN);
    }
    let (done, view) = match &cli.command {
        None => (audit(&cli.audit, &cli.files, &cli.view), cli.view),
        Some(Command::Live(wanted)) => (live(wanted, &wanted.view), wanted.view),
        Some(Command::Watch(wanted)) => (watch(wanted, &wanted.view()), wanted.view()),
        Some(Command::Init(wanted)) => (wanted.run(&crate::program()), View::PLAIN),
        Some(Command::LookUp(wanted)) => {
            let view = wanted.view();
            (look_up(wanted, &view).map(|()| ExitCode::SUCCESS), view)
        }
    };
    done.unwrap_or_else(|failure| refuse(&failure, &view))
}

fn refuse(failure: &Failure, view: &View) -> ExitCode {
    Door::error(view).tell(failure);
    ExitCode::from(2)
}

fn audit(audit: &Audit, files: &Files, view: &View) -> Result<ExitCode, Failure> {
    let outputs = audit.outputs()?;
    if audit.asks_for(Format::Prometheus) {
        let failure =
            Failure::from("prometheus needs the running machine: use backlog-audit live".to_owned());
        return Err(failure.with_tip(shell::command(&[&program(), "live", "--format", "prometheus"])));
    }
    let request = audit.request(files)?;
    let report = watched(&request.progress, &Door::error(view), || backlog_audit::audit(&request))?;
    // The program ends: what it has read is not taken down piece by piece.
    let report = ManuallyDrop::new(report);
    show(&report, &outputs, audit, &audit.again(files, &program(), &[]), view)
}

/// Looks at the running machine while its files are read, then judges both together.
#[cfg(target_os = "linux")]
fn live(wanted: &Live, view: &View) -> Result<ExitCode, Failure> {
    if let Some(address) = wanted.serve {
        return cli::serve::until_signal(
            address,
            &wanted.serve_name,
            wanted.window(),
            &wanted.request()?,
            view,
        );
    }
    let outputs = wanted.audit.outputs()?;
    let request = wanted.request()?;
    let (running, audited) = std::thread::scope(|scope| {
        let files = scope.spawn(|| backlog_audit::read(&request));
        let running = Machine::open().and_then(|mut machine| machine.look(wanted.window()));
        (running, files.join())
    });
    let audited = audited.map_err(|_| Failure::from("reading the files failed".to_owned()))??;
    let report = audited.judge(Some(running?));
    show(&report, &outputs, &wanted.audit, &wanted.again(&program()), view)
}

#[cfg(not(target_os = "linux"))]
fn live(_wanted: &Live, _view: &View) -> Result<ExitCode, Failure> {
    Err(Failure::from("`live` looks at a running Linux; this is another system".to_owned()))
}

#[cfg(target_os = "linux")]
fn watch(wanted: &Watch, view: &View) -> Result<ExitCode, Failure> {
    let Watch { every, length, count, .. } = *wanted;
    let wish = watch::Wish { request: wanted.request(), every, length, count };
    let door = Door::output(view);
    let ended = if door.is_screen() { watch::on_screen(wish, &door.screen) } else { watch::in_lines(&wish) };
    Ok(match ended? {
        watch::Ended::Done => ExitCode::SUCCESS,
        // As a shell tells of a program that a signal ended.
        watch::Ended::Signal(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
    })
}

#[cfg(not(target_os = "linux"))]
fn watch(_wanted: &Watch, _view: &View) -> Result<ExitCode, Failure> {
    Err(Failure::from("`watch` looks at a running Linux; this is another system".to_owned()))
}

/// Writes every report, and says by the exit code whether there is something to do.
fn show(
    report: &Report,
    outputs: &[Output],
    audit: &Audit,
    again: &Again,
    view: &View,
) -> Result<ExitCode, Failure> {
    for output in outputs {
        write(report, output, audit, again, view)?;
    }
    if let (Some(file), Some(baseline)) = (&audit.write_baseline, &report.hidden.baseline) {
        Door::file(file, view).put(json::baseline(baseline).as_bytes())?;
        let count = baseline.count();
        let found = if count == 1 { "1 finding is".to_owned() } else { format!("{count} findings are") };
        Door::error(view).put(format!("{found} now in the baseline {}\n", file.display()).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    if report.seen.is_none() && report.lacks_listeners() {
        return Err(Failure::from("no listener was found (--fail-on-nothing)".to_owned()));
    }
    Ok(if report.fails() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn write(report: &Report, output: &Output, audit: &Audit, again: &Again, view: &View) -> Result<(), Failure> {
    let door = match (&output.file, output.format) {
        (Some(file), Format::Prometheus) => Door::replaced(file, view),
        (Some(file), _) => Door::file(file, view),
        (None, Format::Human) if audit.is_patch_beside_human() => Door::error(view),
        (None, _) => Door::output(view),
    };
    let text = match output.format {
        Format::Patch => {
            let patch = patch::render(report);
            if patch.is_empty() && output.file.is_none() && !audit.is_patch_beside_human() && !view.quiet {
                let said = Door::error(view);
                said.put(human::no_patch(report, &said.screen).as_bytes())?;
            }
            return door.put_raw(&patch);
        }
        Format::Human => human::render(report, &door.screen, again, report.fails_on),
        Format::Concise => concise::render(report),
        Format::Json => json::render(report),
        Format::Ndjson => ndjson::render(report),
        Format::Sarif => sarif::render(report),
        Format::Github => github::render(report),
        Format::Gitlab => gitlab::render(report),
        Format::Junit => junit::render(report, report.fails_on),
        Format::Checkstyle => checkstyle::render(report),
        Format::Markdown => markdown::render(report),
        Format::Prometheus => prometheus::render(report, Exposition::Text),
    };
    door.put(text.as_bytes())
}

fn look_up(wanted: &LookUp, view: &View) -> Result<(), Failure> {
    let door = Door::output(view);
    match wanted {
        LookUp::Rules(wanted) => {
            let Known { rules, .. } = Known::load(wanted)?;
            if let Some(folder) = &wanted.format.folder {
                return door::put_files(folder, &catalogue::rule_files(&rules));
            }
            door.put(catalogue::rules(&rules, wanted.format.form, &door.screen).as_bytes())
        }
        LookUp::Services(wanted) => {
            let Known { knowledge, .. } = Known::load(wanted)?;
            if let Some(folder) = &wanted.format.folder {
                return door::put_files(folder, &catalogue::service_files(&knowledge));
            }
            door.put(catalogue::services(&knowledge, wanted.format.form, &door.screen).as_bytes())
        }
        LookUp::Explain { catalogue: wanted, .. } if wanted.format.folder.is_some() => {
            let error = "explain writes one page; `rules` and `services` write all into a folder";
            Err(Failure::from(error.to_owned()))
        }
        LookUp::Explain { id: None, .. } => {
            Err(Failure::from("explain needs a rule or a service, such as queue-clamped or nginx".to_owned())
                .with_tip("the commands `rules` and `services` list them"))
        }
        LookUp::Explain { id: Some(id), catalogue: wanted } => {
            let known = Known::load(wanted)?;
            match catalogue::explain(id, &known.rules, &known.knowledge, wanted.format.form, &door.screen) {
                Some(page) => door.put(page.as_bytes()),
                None => Err(known.nothing_called(id)),
            }
        }
        LookUp::Schema { of: Schema::Report } => door.put(json::schema().as_bytes()),
        LookUp::Schema { of: Schema::Config } => door.put(config::schema().as_bytes()),
        LookUp::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut pages::command(), "backlog-audit", &mut script);
            door.put(&pages::mended(*shell, script))
        }
        LookUp::Man { command } => door.put(&pages::man(command.as_deref())?),
    }
}

/// What can be looked up.
struct Known {
    rules: Rules,
    knowledge: Knowledge,
}

impl Known {
    fn load(wanted: &Catalogue) -> Result<Self, Failure> {
        let sources = Sources::new();
        let folders: Vec<Folder> = wanted.rules.iter().map(|path| Folder::given(path)).collect();
        let loaded = Knowledge::load(&sources)
            .and_then(|knowledge| Ok(Self { rules: Rules::load(&sources, &folders)?, knowledge }));
        loaded.map_err(|broken| Failure::from(backlog_audit::Error::Broken(broken, Box::new(sources))))
    }

    fn nothing_called(&self, id: &str) -> Failure {
        let lower = id.to_ascii_lowercase();
        let by_program = self.knowledge.services().find(|it| it.programs.contains(&lower));
        let rules = self.rules.iter().map(|rule| rule.id.as_str());
        let known: Vec<&str> = rules.chain(self.knowledge.signs().map(|signs| signs.name.as_str())).collect();
        let failure = match by_program {
            Some(service) => {
                let meant = &service.name;
                Failure::from(format!("there is no rule or service `{id}`; here it is called `{meant}`"))
            }
            None if known.contains(&lower.as_str()) => {
                Failure::from(format!("there is no rule or service `{id}`; did you mean `{lower}`?"))
            }
            None => Failure::from(cli::unknown("rule or service", id, &known)),
        };
        failure.with_tip("the commands `rules` and `services` list them")
    }
}

/// What the program was called as: the next command is shown in the same words.
fn program() -> String {
    let called = std::env::args_os().next();
    called.map_or_else(|| env!("CARGO_PKG_NAME").to_owned(), |name| name.to_string_lossy().into_owned())
}
