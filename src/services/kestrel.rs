//! ASP.NET Core applications, as projects or published: the backlog that their sources give to Kestrel's sockets, and where
//! they listen, as far as sources, appsettings.json and command lines say it. What launchSettings.json says is for development
//! alone.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;

use super::{Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Names, Policy, Why, port_of};
use crate::model::{Command, Endpoint, Listener, Starter, Step, Transport, Variable, Version};
use crate::syntax::csharp;
use crate::syntax::yaml::{self, Node};
use crate::text::{HashMap, HashSet, Slot, SourceId, Span, Text, larger, over};

/// The largest source that is looked through, in bytes.
const MAX_CODE: usize = 1 << 20;

/// Addresses of one project.
const MAX_ADDRESSES: usize = 1_000;

/// What a source has of which addresses or backlogs are read. A large one without it was made by a tool.
const SIGNS: [&[u8]; 5] = [b"Kestrel", b"UseSockets", b"SocketTransportOptions", b"UseUrls", b"Urls.Add"];

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let patterns = match Patterns::new() {
        Ok(patterns) => patterns,
        Err(error) => return ground.broken("a pattern", &error),
    };
    let mut projects: Vec<Project<'_>> =
        files.iter().filter_map(|file| Project::read(ground, &file.path)).collect();
    // The innermost project comes first, so that a source goes to the one it belongs to.
    projects.sort_by_key(|project| std::cmp::Reverse(project.folder.components().count()));
    for file in files.iter().filter(|file| file.path.extension().is_some_and(|extension| extension == "cs")) {
        let project = projects.iter_mut().find(|project| file.path.starts_with(&project.folder));
        if let (Some(project), Ok(source)) = (project, ground.tree.read(ground.sources, &file.path)) {
            project.code.push(patterns.read(ground, source));
        }
    }
    for file in files {
        projects.extend(Project::published(ground, &file.path, &projects));
    }
    projects.sort_by(|a, b| a.folder.cmp(&b.folder));
    found.listeners = projects.iter().flat_map(|project| project.listeners(&projects)).collect();
    found
}

#[derive(Debug, Default)]
struct Code {
    /// The numbers that are put into `Backlog`.
    backlogs: Vec<Text>,
    /// Calls that open sockets: the method and its first arguments.
    listens: Vec<(String, Text)>,
    /// The arguments of UseUrls and the like.
    urls: Vec<Text>,
    /// Numbers by their names.
    constants: Vec<(String, String)>,
}

/// The patterns, made once for all files.
struct Patterns {
    backlog: Regex,
    listen: Regex,
    urls: Regex,
    constant: Regex,
}

impl Patterns {
    fn new() -> Result<Self, regex::Error> {
        Ok(Self {
            backlog: Regex::new(r"\.\s*Backlog\s*=\s*([^;,})=\s][^;,})\n]{0,80})")?,
            listen: Regex::new(
                r"\.\s*(ListenAnyIP|ListenLocalhost|ListenUnixSocket|Listen)\s*\(\s*([^;{)]{0,200})",
            )?,
            urls: Regex::new(
                r#"(?:\.\s*UseUrls|\bUrls\s*\.\s*Add|\.\s*Run)\s*\(([^;\n{]{0,200}?)\)\s*[;.\n]"#,
            )?,
            constant: Regex::new(r"\bconst\s+int\s+(\w+)\s*=\s*([0-9_]+)\s*;")?,
        })
    }

    fn read(&self, ground: Ground<'_>, source: SourceId) -> Code {
        let bytes = ground.sources.bytes(source);
        let Ok(text) = std::str::from_utf8(bytes) else { return Code::default() };
        if text.len() > MAX_CODE {
            if SIGNS.iter().any(|sign| memchr::memmem::find(bytes, sign).is_some()) {
                let what = larger("sources in C#", MAX_CODE, text.len());
                ground.sources.cut_off(Span::top(source), what);
            }
            return Code::default();
        }
        let (code, bare) = csharp::without_comments(text);
        let argument = |found: Option<regex::Match<'_>>| {
            let found = found?;
            let text = found.as_str().trim();
            let start = found.start() + (found.as_str().len() - found.as_str().trim_start().len());
            // Blanks stand here for comments there.
            Some(Text::at(ground.sources, text, Span::new(source, start..start + text.len())))
        };
        let sockets = bare.contains("UseSockets") || bare.contains("SocketTransportOptions");
        let kestrel = bare.contains("UseKestrel") || bare.contains("ConfigureKestrel");
        let word = |found: Option<regex::Match<'_>>| found.map(|found| found.as_str().to_owned());
        let backlogs = self.backlog.captures_iter(&bare).filter(|_| sockets);
        let listens = self.listen.captures_iter(&code).filter(|_| kestrel);
        let listens = listens.filter_map(|found| Some((word(found.get(1))?, argument(found.get(2))?)));
        let urls = self.urls.captures_iter(&code).filter_map(|found| argument(found.get(1)));
        let constants = self.constant.captures_iter(&code);
        let constants = constants.filter_map(|found| Some((word(found.get(1))?, word(found.get(2))?)));
        Code {
            backlogs: backlogs.filter_map(|found| argument(found.get(1))).collect(),
            listens: listens.collect(),
            urls: urls.collect(),
            constants: constants.collect(),
        }
    }
}

/// A project of the SDK for web applications, or what became of one.
struct Project<'a> {
    ground: Ground<'a>,
    folder: PathBuf,
    /// The assembly's name.
    name: String,
    /// The text that makes it a web application.
    at: Span,
    /// The version of .NET that it is built for.
    framework: Option<u16>,
    is_published: bool,
    code: Vec<Code>,
}

/// A socket, and the text that opens it.
type Socket = (Bound, Span);

const KESTREL: Policy = Policy { empty: Empty::Ipv6, names: Names::All, dual_stack: DualStack::Ipv6 };

impl<'a> Project<'a> {
    fn read(ground: Ground<'a>, path: &Path) -> Option<Self> {
        path.extension().filter(|extension| *extension == "csproj")?;
        let source = ground.tree.read(ground.sources, path).ok()?;
        let text = String::from_utf8_lossy(ground.sources.bytes(source)).into_owned();
        let sdk = "\"Microsoft.NET.Sdk.Web\"";
        let start = text.find(sdk).filter(|_| text.len() == ground.sources.bytes(source).len())?;
        // A library, and what others run as their tests.
        let other = ["<OutputType>Library", "Microsoft.NET.Test.Sdk"].iter().any(|mark| text.contains(mark));
        let own = between(&text, "<AssemblyName>", "</").filter(|name| !name.contains('$'));
        let name =
            own.map(str::to_owned).or_else(|| Some(path.file_stem()?.to_string_lossy().into_owned()))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let at = Span::new(source, start + 1..start + sdk.len() - 1);
        let framework = version(between(&text, "<TargetFramework>", "</"));
        (!other).then(|| Self { ground, folder, name, at, framework, is_published: false, code: Vec::new() })
    }

    /// What lies beside a published application: App.runtimeconfig.json, or appsettings.json alone where all the rest is in one
    /// file, which a command line starts.
    fn published(ground: Ground<'a>, path: &Path, known: &[Self]) -> Option<Self> {
        let (folder, file) = (path.parent()?.to_owned(), path.file_name()?.to_str()?);
        let own = file.strip_suffix(".runtimeconfig.json").map(str::to_owned);
        let starts = |command: &Command| {
            let program = ground.named_file(command, command.words.first()?.as_str())?;
            (program.parent() == Some(&folder)).then(|| command.program().to_owned())
        };
        let started = || ground.commands.iter().find_map(starts);
        let name = own.or_else(|| if file == "appsettings.json" { started() } else { None })?;
        // What a project builds lies below it, in bin and obj.
        if known.iter().any(|it| it.name == name && (it.folder == folder || !it.is_published)) {
            return None;
        }
        let source = ground.tree.read(ground.sources, path).ok()?;
        let text = String::from_utf8_lossy(ground.sources.bytes(source)).into_owned();
        let framework = version(between(&text, "\"tfm\":", ","));
        Some(Self {
            ground,
            folder,
            name,
            at: Span::top(source),
            framework,
            is_published: true,
            code: Vec::new(),
        })
    }

    fn listeners(&self, all: &[Self]) -> Vec<Listener> {
        let ask = self.ask();
        let sockets = self.sockets(&self.commands(all));
        let make = |(bound, at): Socket| self.ground.listeners(&bound, at, &ask);
        if let Some((_, at)) = sockets.get(MAX_ADDRESSES) {
            self.ground.sources.cut_off(*at, over("addresses of one project", MAX_ADDRESSES));
        }
        sockets.into_iter().take(MAX_ADDRESSES).flat_map(make).collect()
    }

    fn ask(&self) -> Ask {
        let mut written = self.code.iter().flat_map(|code| code.backlogs.iter().map(move |it| (code, it)));
        let Some((code, argument)) = written.next() else {
            let compiled = Step::note("its compiled code may set SocketTransportOptions.Backlog", self.at);
            return self.ground.own("backlog", None).after(self.is_published.then_some(compiled));
        };
        let constant = code.constants.iter().find(|(name, _)| *name == argument.as_str());
        let text = constant.map_or(argument.as_str(), |(_, value)| value.as_str());
        let number: Option<i64> = text.replace('_', "").parse().ok();
        match number.filter(|_| written.next().is_none()) {
            Some(number) => {
                let slot = (argument.as_str() == number.to_string()).then(|| Slot::replace(argument.span()));
                Ask::written(number, "SocketTransportOptions.Backlog", argument.span()).with(slot)
            }
            None => Ask::elsewhere(argument.as_str(), argument.span()),
        }
    }

    /// Listen calls and Kestrel:Endpoints, else URLs of the code, else what appsettings.json says: each command line makes its
    /// own of it.
    fn sockets(&self, commands: &[&Command]) -> Vec<Socket> {
        let settings = self.settings();
        let own = endpoints(&settings);
        let mut sockets: Vec<Socket> = Vec::new();
        for (method, argument) in self.code.iter().flat_map(|code| &code.listens) {
            sockets.extend(listened(method, argument));
        }
        let listens = !sockets.is_empty();
        let mut seen = HashSet::default();
        let mut add = |more: Vec<Socket>| {
            let is_new = |(bound, at): &Socket| seen.insert((*at, bound.endpoints.clone()));
            sockets.extend(more.into_iter().filter(is_new));
        };
        let variables: Vec<Endpoints> = commands.iter().map(|command| of_variables(command)).collect();
        let stays = |name: &String| variables.is_empty() || variables.iter().any(|it| !it.contains_key(name));
        own.iter().filter(|(name, _)| stays(name)).for_each(|(_, url)| add(of_endpoint(url)));
        variables.iter().flat_map(BTreeMap::values).for_each(|url| add(of_endpoint(url)));
        // Those that no endpoint holds for.
        let bare: Vec<&Command> =
            commands.iter().zip(&variables).filter(|(_, its)| its.is_empty()).map(|(it, _)| *it).collect();
        let is_bare = own.is_empty() && !listens && (commands.is_empty() || !bare.is_empty());
        let urls = self.code.iter().flat_map(|code| &code.urls);
        let in_code: Vec<Socket> = urls.filter(|_| is_bare).flat_map(urls_of_code).collect();
        if !is_bare || !in_code.is_empty() {
            add(in_code);
            return sockets;
        }
        let urls = settings.iter().rev().find_map(|node| entry(node, &["Urls"]));
        let urls = urls.map(|urls| (urls.text().unwrap_or_default(), urls.span));
        bare.iter().for_each(|command| add(self.started(command, urls)));
        if let Some((urls, at)) = urls.filter(|_| sockets.is_empty()) {
            return of_urls(urls, at);
        }
        if sockets.is_empty() {
            let what = "--urls or ASPNETCORE_URLS set it, otherwise it is localhost:5000";
            sockets.push((Bound::unknown(what), self.at));
        }
        sockets
    }

    /// appsettings.json, and what the environment Production, which is the default, adds to it.
    fn settings(&self) -> Vec<Node> {
        let names = ["appsettings.json", "appsettings.Production.json"];
        let read = |name: &&str| {
            let source = self.ground.tree.read(self.ground.sources, &self.folder.join(name)).ok()?;
            yaml::read(self.ground.sources, source).documents.into_iter().next()
        };
        names.iter().filter_map(read).collect()
    }

    /// The command lines that start it: `dotnet App.dll`, or the program of its name. Of projects of one name it is the one
    /// in whose folder the command line stands, if it is any's.
    fn commands(&self, all: &[Self]) -> Vec<&'a Command> {
        let file = |command: &Command| self.ground.sources.get(command.at.source).path().map(Path::to_owned);
        let holds =
            |one: &Self, command: &Command| file(command).is_some_and(|it| it.starts_with(&one.folder));
        let is_twin = |one: &Self| one.name == self.name && one.folder != self.folder;
        let is_own = |command: &&Command| {
            let is_dll = |word: &Text| {
                let file = word.as_str().rsplit('/').next().unwrap_or_default();
                file.strip_suffix(".dll") == Some(&self.name)
            };
            let dotnet = self.ground.service.arguments_in(command).and_then(<[Text]>::first);
            let starts = command.program() == self.name || dotnet.is_some_and(is_dll);
            starts && (holds(self, command) || !all.iter().any(|it| is_twin(it) && holds(it, command)))
        };
        self.ground.commands.iter().filter(is_own).collect()
    }

    /// What a command line makes of it: the arguments come first, then variables without a prefix, then appsettings.json, then
    /// the host's variables; ports count where there are no URLs at all.
    fn started(&self, command: &Command, settings: Option<(&str, Span)>) -> Vec<Socket> {
        let arguments = arguments(command);
        let argument = |name: &str| arguments.get(name).copied();
        let variable = |names: &[&str]| {
            let found = names.iter().find_map(|name| command.variable(name))?;
            Some((found.value.as_str(), found.value.is_open(), found.value.span()))
        };
        let urls = argument("urls").or_else(|| variable(&["URLS"]));
        let urls = urls.or_else(|| settings.map(|(urls, at)| (urls, false, at)));
        let urls = urls.or_else(|| variable(&["ASPNETCORE_URLS", "DOTNET_URLS"]));
        match urls.filter(|(urls, ..)| !urls.is_empty()) {
            Some((urls, true, at)) => return vec![unknown(urls, at)],
            Some((urls, _, at)) => return of_urls(urls, at),
            None => {}
        }
        let mut sockets = Vec::new();
        for kind in ["HTTP_PORTS", "HTTPS_PORTS"].iter().filter(|_| self.framework.is_none_or(|it| it >= 8)) {
            let hosts = [kind.to_string(), format!("ASPNETCORE_{kind}"), format!("DOTNET_{kind}")];
            let ports =
                argument(&kind.to_ascii_lowercase()).or_else(|| variable(&[&hosts[0], &hosts[1], &hosts[2]]));
            let Some((ports, open, at)) = ports else { continue };
            if open {
                sockets.push(unknown(ports, at));
                continue;
            }
            let ports = ports.split(';').map(str::trim).filter(|port| !port.is_empty());
            sockets.extend(ports.flat_map(|port| of_url(&format!("http://*:{port}"), at)));
        }
        if sockets.is_empty() {
            sockets.extend(self.in_image(command));
        }
        if sockets.is_empty() && command.starter == Starter::Unit {
            return self.by_default(command).unwrap_or_default();
        }
        sockets
    }

    /// Where it listens if nothing says it.
    fn by_default(&self, command: &Command) -> Option<Vec<Socket>> {
        let (port, step) = self.ground.default("port", None)?;
        let mut sockets = on_localhost(u16::try_from(port.get).ok()?, command.at);
        sockets.iter_mut().for_each(|(bound, _)| bound.note(format!("the port is {}", step.what)));
        Some(sockets)
    }

    fn in_image(&self, command: &Command) -> Option<Socket> {
        let image = command.image.as_ref().filter(|image| image.get.contains("dotnet/aspnet"))?;
        let tag = image.get.rsplit_once(':').and_then(|(_, tag)| Version::parse(tag));
        let (port, step) = self.ground.default("image-port", tag.map(|(version, _)| version))?;
        let port = u16::try_from(port.get).ok()?;
        let notes = vec![format!("the port is {}", step.what)];
        Some((Bound { notes, ..Bound::at(Endpoint::DualStack(port)) }, image.span))
    }
}

/// What stands between two marks.
fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inner, _)| inner.trim())
}

/// The version in `net8.0`, `"netcoreapp3.1"`.
fn version(framework: Option<&str>) -> Option<u16> {
    let digits = framework?.trim_matches('"').trim_start_matches(|c: char| c.is_ascii_alphabetic());
    digits.split('.').next()?.parse().ok()
}

/// What arguments say, by their keys in lower case: `--KEY VALUE`, `/KEY=VALUE` and `KEY=VALUE`, of which the last counts
/// (CommandLineConfigurationProvider.Load). A single dash is of no use.
fn arguments(command: &Command) -> HashMap<String, (&str, bool, Span)> {
    let mut found = HashMap::default();
    // `dotnet` is given the application before its arguments.
    let hosted = command.program() == "dotnet";
    let application = command.words.iter().position(|word| hosted && word.ends_with(".dll"));
    let mut words = command.words.iter().skip(application.unwrap_or(0) + 1);
    while let Some(word) = words.next() {
        let text = word.as_str();
        let key = text.strip_prefix("--").or_else(|| text.strip_prefix('/'));
        let (key, value) = match (key.unwrap_or(text).split_once('='), key) {
            (Some((key, value)), _) => (key, (value, word.is_open(), word.span())),
            (None, Some(key)) => match words.next() {
                Some(word) => (key, (word.as_str(), word.is_open(), word.span())),
                None => break,
            },
            (None, None) => continue,
        };
        found.insert(key.to_ascii_lowercase(), value);
    }
    found
}

/// The sockets of an endpoint.
fn of_endpoint(url: &Text) -> Vec<Socket> {
    if url.is_open() { vec![unknown(url, url.span())] } else { of_urls(url, url.span()) }
}

/// By the names of the endpoints, which .NET does not tell apart by case.
type Endpoints = BTreeMap<String, Text>;

/// Kestrel:Endpoints.
fn endpoints(settings: &[Node]) -> Endpoints {
    let mut found = Endpoints::new();
    for endpoints in settings.iter().filter_map(|node| entry(node, &["Kestrel", "Endpoints"])) {
        for (name, endpoint) in endpoints.merged() {
            if let (Some(name), Some(url)) = (name.text(), entry(endpoint, &["Url"])) {
                let url = Text::meant(url.text().unwrap_or_default(), url.span);
                found.insert(name.to_ascii_lowercase(), url);
            }
        }
    }
    found
}

/// What `Kestrel__Endpoints__NAME__Url` says instead.
fn of_variables(command: &Command) -> Endpoints {
    let endpoint = |variable: &Arc<Variable>| {
        let name = variable.name.to_ascii_lowercase();
        let name = name.strip_prefix("kestrel__endpoints__")?.strip_suffix("__url")?;
        Some((name.to_owned(), variable.value.clone()))
    };
    command.environment.iter().filter_map(endpoint).collect()
}

/// The value at a path of keys, which .NET does not tell apart by case.
fn entry<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, key| {
        let is = |name: &Node| name.text().is_some_and(|name| name.eq_ignore_ascii_case(key));
        node.merged().into_iter().find(|(name, _)| is(name)).map(|(_, value)| value)
    })
}

fn unknown(what: &str, at: Span) -> Socket {
    (Why::Elsewhere(what.to_owned()).into(), at)
}

fn on(endpoint: Endpoint, at: Span) -> Socket {
    (Bound::at(endpoint), at)
}

/// Both loopback addresses.
fn on_localhost(port: u16, at: Span) -> Vec<Socket> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    loopback.map(|ip| on(Endpoint::tcp(ip, port), at)).into()
}

/// `ListenAnyIP(5000)`, `Listen(IPAddress.Loopback, 5000)`, `ListenUnixSocket("/run/app.sock")`.
fn listened(method: &str, argument: &Text) -> Vec<Socket> {
    let mut parts = argument.split([',', ')']).map(str::trim);
    let first = parts.next().unwrap_or_default();
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let at = argument.span();
    let on_ip = |ip: IpAddr, port: u16| vec![on(KESTREL.endpoint(ip, port), at)];
    match (method, port(first)) {
        (_, None) if first.is_empty() => Vec::new(),
        ("ListenAnyIP", Some(port)) => on_ip(Ipv6Addr::UNSPECIFIED.into(), port),
        ("ListenLocalhost", Some(port)) => on_localhost(port, at),
        ("ListenUnixSocket", _) => match first.strip_prefix('"').and_then(|path| path.strip_suffix('"')) {
            Some(path) => vec![(Bound::path(path), at)],
            None => vec![(Bound::unknown_on(Transport::Unix, Why::Elsewhere(first.to_owned())), at)],
        },
        // A socket's own Listen(backlog).
        ("Listen", Some(_)) => Vec::new(),
        ("Listen", None) => match (first, parts.next().and_then(port)) {
            ("IPAddress.Any", Some(port)) => on_ip(Ipv4Addr::UNSPECIFIED.into(), port),
            ("IPAddress.IPv6Any", Some(port)) => on_ip(Ipv6Addr::UNSPECIFIED.into(), port),
            ("IPAddress.Loopback", Some(port)) => on_ip(Ipv4Addr::LOCALHOST.into(), port),
            ("IPAddress.IPv6Loopback", Some(port)) => on_ip(Ipv6Addr::LOCALHOST.into(), port),
            _ => vec![unknown(first, at)],
        },
        _ => vec![unknown(first, at)],
    }
}

/// The literals of `UseUrls("http://*:5000", "...")`; `Run()` says nothing.
fn urls_of_code(argument: &Text) -> Vec<Socket> {
    if argument.is_empty() {
        return Vec::new();
    }
    let literal = |part: &str| part.trim().strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    let parts: Option<Vec<String>> = argument.split(',').map(literal).collect();
    match parts {
        Some(parts) => parts.iter().flat_map(|urls| of_urls(urls, argument.span())).collect(),
        None if argument.contains("http") => vec![unknown(argument, argument.span())],
        // The delegate of another Run.
        None => Vec::new(),
    }
}

/// `http://*:5000;https://localhost:5001` (BindingAddress.Parse).
fn of_urls(urls: &str, at: Span) -> Vec<Socket> {
    let urls = urls.split(';').map(str::trim).filter(|url| !url.is_empty());
    urls.flat_map(|url| of_url(url, at)).collect()
}

fn of_url(url: &str, at: Span) -> Vec<Socket> {
    let Some((scheme, rest)) = url.split_once("://") else { return vec![unknown(url, at)] };
    if let Some(path) = rest.strip_prefix("unix:") {
        return vec![(Bound::path(path), at)];
    }
    let authority = rest.split('/').next().unwrap_or(rest);
    if authority.contains(['$', '{']) {
        return vec![unknown(url, at)];
    }
    let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((host, port)) => (host, port.parse().map_err(|_| Why::NoPort(port.to_owned()))),
        None => (authority, Ok(if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 })),
    };
    let port = match port.and_then(port_of::<u16>) {
        Ok(port) => port,
        Err(why) => return vec![(why.into(), at)],
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(ip) => vec![on(KESTREL.endpoint(ip, port), at)],
        Err(_) if host.eq_ignore_ascii_case("localhost") => on_localhost(port, at),
        // Any other name stands for every address.
        Err(_) => KESTREL.any(port).map(|any| (any, at)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
