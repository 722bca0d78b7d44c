//! ASP.NET Core projects: the backlog that their sources give to Kestrel's sockets, and where the project listens, as far as
//! sources, appsettings.json and command lines say it. What launchSettings.json says is for development alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use regex::Regex;

use super::{Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Names, Policy, Why, port_of};
use crate::model::{Command, Endpoint, Listener, Transport, Version};
use crate::syntax::csharp;
use crate::syntax::yaml::{self, Node};
use crate::text::{Slot, SourceId, Span, Text, larger, over};

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
    projects.sort_by(|a, b| a.folder.cmp(&b.folder));
    found.listeners = projects.iter().flat_map(Project::listeners).collect();
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
                r"\.\s*(ListenAnyIP|ListenLocalhost|ListenUnixSocket|Listen)\s*\(([^\n;{]{0,200})",
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
            Some(Text::written(text, Span::new(source, start..start + text.len())))
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

/// A project of the SDK for web applications.
struct Project<'a> {
    ground: Ground<'a>,
    folder: PathBuf,
    /// The assembly's name, unless the project gives it another.
    name: String,
    /// The text that makes it a web application.
    at: Span,
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
        let name = path.file_stem()?.to_string_lossy().into_owned();
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let at = Span::new(source, start + 1..start + sdk.len() - 1);
        (!other).then(|| Self { ground, folder, name, at, code: Vec::new() })
    }

    fn listeners(&self) -> Vec<Listener> {
        let ask = self.ask();
        let sockets = self.sockets();
        let make = |(bound, at): Socket| self.ground.listeners(&bound, at, &ask);
        if let Some((_, at)) = sockets.get(MAX_ADDRESSES) {
            self.ground.sources.cut_off(*at, over("addresses of one project", MAX_ADDRESSES));
        }
        sockets.into_iter().take(MAX_ADDRESSES).flat_map(make).collect()
    }

    fn ask(&self) -> Ask {
        let mut written = self.code.iter().flat_map(|code| code.backlogs.iter().map(move |it| (code, it)));
        let Some((code, argument)) = written.next() else { return self.ground.own("backlog", None) };
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

    /// Listen calls and Kestrel:Endpoints, else URLs, else what an image makes of it.
    fn sockets(&self) -> Vec<Socket> {
        let settings = self.settings();
        let mut sockets: Vec<Socket> = Vec::new();
        for (method, argument) in self.code.iter().flat_map(|code| &code.listens) {
            sockets.extend(listened(method, argument));
        }
        for endpoint in settings.iter().filter_map(|node| entry(node, &["Kestrel", "Endpoints"])) {
            for (_, endpoint) in endpoint.merged() {
                let url = entry(endpoint, &["Url"]).into_iter();
                sockets.extend(url.flat_map(|url| of_urls(url.text().unwrap_or_default(), url.span)));
            }
        }
        if !sockets.is_empty() {
            return sockets;
        }
        for argument in self.code.iter().flat_map(|code| &code.urls) {
            sockets.extend(urls_of_code(argument));
        }
        if sockets.is_empty() {
            sockets = self.started();
        }
        if sockets.is_empty() {
            let urls = settings.iter().rev().filter_map(|node| entry(node, &["Urls"])).next();
            sockets =
                urls.map(|urls| of_urls(urls.text().unwrap_or_default(), urls.span)).unwrap_or_default();
        }
        if sockets.is_empty() {
            let what = "--urls or ASPNETCORE_URLS say it, else it is localhost:5000";
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

    /// What command lines that start this project's assembly say.
    fn started(&self) -> Vec<Socket> {
        let assembly = format!("{}.dll", self.name);
        let mut sockets = Vec::new();
        for (command, arguments) in self.ground.started() {
            let own =
                arguments.first().is_some_and(|first| first.as_str().rsplit('/').next() == Some(&assembly));
            if !own {
                continue;
            }
            let option = arguments.iter().position(|word| word.as_str() == "--urls");
            let next = option.and_then(|at| arguments.get(at + 1)).map(|word| (word, word.as_str()));
            let joined =
                || arguments.iter().find_map(|word| Some((word, word.as_str().strip_prefix("--urls=")?)));
            let told = next.or_else(joined);
            let variable = || {
                let names = ["ASPNETCORE_URLS", "DOTNET_URLS", "URLS"];
                let variable = names.iter().find_map(|name| command.variable(name))?;
                Some((&variable.value, variable.value.as_str()))
            };
            sockets.extend(match told.or_else(variable) {
                Some((word, _)) if word.is_open() => vec![unknown(word.as_str(), word.span())],
                Some((word, urls)) => of_urls(urls, word.span()),
                None => self.in_image(command).into_iter().collect(),
            });
        }
        sockets
    }

    fn in_image(&self, command: &Command) -> Option<Socket> {
        let ports = ["ASPNETCORE_HTTP_PORTS", "HTTP_PORTS"].iter().find_map(|name| command.variable(name));
        if let Some(ports) = ports {
            let port =
                ports.value.as_str().split([';', ',']).next().and_then(|port| port.trim().parse().ok());
            return port.map(|port| on(Endpoint::DualStack(port), ports.value.span()));
        }
        let image = command.image.as_ref().filter(|image| image.get.contains("dotnet/aspnet"))?;
        let tag = image.get.rsplit_once(':').and_then(|(_, tag)| Version::parse(tag));
        let (port, step) = self.ground.default("image-port", tag.map(|(version, _)| version))?;
        let port = u16::try_from(port.get).ok()?;
        let notes = vec![format!("the port is {}", step.what)];
        Some((Bound { notes, ..Bound::at(Endpoint::DualStack(port)) }, image.span))
    }
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
