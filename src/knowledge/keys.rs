//! How a service that is told everything by plain keys is told it: the `[keys]` table of its file. It names settings, says how
//! each is written on the command line, in the environment and in files, and which of them make a listener.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Error;

use crate::model::Version;

/// The whole table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Keys {
    pub grammar: Grammar,
    /// Options that say nothing of listeners: without a value, and with one. They tell options from other words, and what an
    /// abbreviation may mean.
    pub switches: Vec<String>,
    pub valued: Vec<String>,
    /// How many other words it takes.
    pub most_words: Option<usize>,
    /// A variable of the environment that holds further arguments; those of the command line are stronger.
    pub arguments: Option<String>,
    pub file: Option<KeyFile>,
    /// It takes the sockets of a `.socket` unit of systemd, and opens none of its own then.
    pub activated: bool,
    /// What hosts mean that are no addresses or names: `"*" = ["0.0.0.0", "::"]`.
    pub hosts: BTreeMap<String, Vec<String>>,
    pub setting: BTreeMap<String, SettingKeys>,
    #[serde(rename = "listener")]
    pub listeners: Vec<ListenerKeys>,
    #[serde(rename = "instead")]
    pub instead: Vec<Instead>,
    #[serde(rename = "refuse")]
    pub refusals: Vec<Refusal>,
}

/// Who reads the command line.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grammar {
    /// Python's argparse: options anywhere, `--back` for `--backlog`.
    Argparse,
    /// Python's click: options anywhere, no abbreviations.
    Click,
    /// getopt_long of POSIX and Python's getopt: the first other word ends the options.
    Getopt,
    /// getopt_long of GNU: options anywhere.
    #[default]
    GnuGetopt,
}

impl Grammar {
    pub fn abbreviates(self) -> bool {
        self != Self::Click
    }

    /// Whether the first word that is no option ends them.
    pub fn stops(self) -> bool {
        self == Self::Getopt
    }

    /// Whether `-b=5` is the value `5`: argparse alone takes the sign off.
    pub fn takes_sign_off(self) -> bool {
        self == Self::Argparse
    }
}

/// The file that holds the keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyFile {
    pub format: Format,
    /// The setting that gives its path; a file that is not there keeps the service from starting.
    pub setting: Option<String>,
    /// What it is called in the folder that the service is started in, where nothing else is said.
    #[serde(default)]
    pub default: Vec<String>,
    /// What may stand before the path, and the format that it means.
    #[serde(default)]
    pub prefixes: BTreeMap<String, Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A Python module whose names are the keys.
    Python,
    Toml,
    /// Or JSON, which YAML takes in.
    Yaml,
    /// Java's properties.
    Properties,
    /// Not a file, or not one that can be read: what it sets is not known.
    Opaque,
}

/// One setting, and the ways to give it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SettingKeys {
    /// `--backlog`, `-b`; with the start of the value where one option serves many: `-p listen_depth=`; or that alone, where a
    /// word without an option is meant: `jetty.http.port=`.
    pub options: Vec<String>,
    pub variables: Vec<String>,
    pub keys: Vec<String>,
    /// The option has no value.
    pub switch: bool,
    /// Each option adds one; else the last one counts.
    pub repeats: bool,
    /// Blanks separate several values.
    pub words: bool,
    pub number: Option<Number>,
    /// The first one counts whose `${VARIABLES}` are set. The default of a backlog is a `[[default]]` instead.
    pub default: Vec<String>,
}

/// How a text becomes a number, and which numbers are taken.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Number {
    pub text: Digits,
    /// A text in a file that has numbers of its own.
    pub file_text: Option<Digits>,
    /// What lies outside is refused.
    pub least: Option<i64>,
    pub most: Option<i64>,
    /// What becomes of a number below 0 that is not refused; else it is passed on.
    pub negative: Option<i64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Digits {
    /// An optional sign and decimal digits.
    #[default]
    Decimal,
    /// Python's `int(text)`.
    Int,
    /// Python's `int(text, 0)`.
    IntAnyBase,
    /// C's atoi: as far as it goes, else 0.
    Atoi,
    /// It is refused.
    Refused,
}

/// What opens a listener. Settings go by their names in `[keys.setting]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ListenerKeys {
    /// All must hold.
    #[serde(default)]
    pub when: Vec<Condition>,
    #[serde(default, deserialize_with = "version")]
    pub since: Option<Version>,
    #[serde(default, deserialize_with = "version")]
    pub before: Option<Version>,
    /// A setting of whole addresses.
    pub address: Option<String>,
    #[serde(default)]
    pub spelling: Spelling,
    /// Two settings that make one address.
    pub host: Option<String>,
    pub port: Option<String>,
    /// A setting of paths.
    pub unix: Option<String>,
    /// A setting of numbers of open sockets.
    pub fd: Option<String>,
    /// A unix socket whose path is not told: why.
    pub hidden: Option<String>,
    /// The setting of the backlog, or a `[[default]]` that nothing changes.
    pub backlog: String,
    #[serde(default)]
    pub resolves: Resolves,
    /// `::` serves IPv4 too.
    #[serde(default)]
    pub dual_stack: bool,
    /// When it takes addresses of each family.
    #[serde(default)]
    pub ipv4_when: Vec<Condition>,
    #[serde(default)]
    pub ipv6_when: Vec<Condition>,
    /// A setting of how many sockets there are, and when they are so many; else there is one.
    pub sockets: Option<String>,
    #[serde(default)]
    pub sockets_when: Vec<Condition>,
    #[serde(default, deserialize_with = "version")]
    pub sockets_since: Option<Version>,
    /// Listens again on a socket that it is handed; else the queue stays as who opened it said.
    #[serde(default)]
    pub listens_again: bool,
    #[serde(default, deserialize_with = "version")]
    pub listens_again_before: Option<Version>,
    #[serde(default)]
    pub internal: bool,
    /// It is told only where the version is known, not where the newest is assumed.
    #[serde(default)]
    pub known_version: bool,
}

/// How a whole address is written.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Spelling {
    pub grammar: AddressGrammar,
    /// What stands before a path, before the number of an open socket, and before an address without meaning more.
    pub unix: Vec<String>,
    pub fd: Vec<String>,
    pub tcp: Vec<String>,
    /// The port where none is written.
    pub port: Option<u16>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressGrammar {
    /// `HOST`, `HOST:PORT`, `[IPV6]:PORT`.
    #[default]
    HostPort,
    /// Twisted's endpoints: `tcp:port=80:interface=127.0.0.1:backlog=77`.
    Twisted,
}

/// What becomes of a name.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolves {
    /// The first address of IPv4.
    #[default]
    FirstIpv4,
    /// Each address has a socket.
    All,
    /// Names are refused.
    Refused,
}

/// What listens again behind the service, also on a socket that was handed to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instead {
    pub who: String,
    pub when: Vec<Condition>,
    /// The package of PyPI that it is of, and the first version in which it is not so any more; the newest is assumed.
    pub pypi: Option<String>,
    #[serde(default, deserialize_with = "version")]
    pub before: Option<Version>,
    /// A default that counts instead of the backlog that is set; without it, that one does.
    pub default: Option<String>,
}

/// What keeps it from starting.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    pub when: Vec<Condition>,
    pub why: String,
}

/// `bind|!port`: one of these holds.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Condition(pub Vec<Test>);

/// A test of one setting.
#[derive(Debug)]
pub struct Test {
    pub setting: String,
    pub is: Is,
}

#[derive(Debug)]
pub enum Is {
    /// `name`, `!name`: whether somebody has set it; a switch or a truth, whether it is on.
    Set(bool),
    /// `name=text`
    Text(String),
    /// `name>1`: not where it is not known.
    Above(i64),
    /// `name<2`: also where it is not known.
    Below(i64),
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.split('|').map(test).collect::<Result<_, _>>().map(Self)
    }
}

fn test(text: &str) -> Result<Test, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("{text} is not a number"));
    let (setting, is) = match text.split_once(['=', '>', '<']) {
        Some((name, value)) if text.contains('=') => (name, Is::Text(value.to_owned())),
        Some((name, value)) if text.contains('>') => (name, Is::Above(number(value)?)),
        Some((name, value)) => (name, Is::Below(number(value)?)),
        None => match text.strip_prefix('!') {
            Some(name) => (name, Is::Set(false)),
            None => (text, Is::Set(true)),
        },
    };
    Ok(Test { setting: setting.to_owned(), is })
}

fn version<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Option<Version>, D::Error> {
    let text = String::deserialize(text)?;
    match Version::parse(&text) {
        Some((version, "")) => Ok(Some(version)),
        _ => Err(D::Error::custom(format!("{text} is not a version: write it as 8.2 or 8.2.1"))),
    }
}

impl Keys {
    /// A name of a setting that is used and not described.
    pub fn unknown_setting(&self) -> Option<&str> {
        let conditions = self.listeners.iter().flat_map(|listener| {
            let ListenerKeys { when, ipv4_when, ipv6_when, sockets_when, .. } = listener;
            [when, ipv4_when, ipv6_when, sockets_when]
        });
        let conditions = conditions.chain(self.instead.iter().map(|instead| &instead.when));
        let conditions = conditions.chain(self.refusals.iter().map(|refusal| &refusal.when));
        let tested = conditions.flatten().flat_map(|condition| &condition.0).map(|test| &test.setting);
        let used = self.listeners.iter().flat_map(|listener| {
            let ListenerKeys { address, host, port, unix, fd, sockets, .. } = listener;
            [address, host, port, unix, fd, sockets].into_iter().flatten()
        });
        let file = self.file.iter().filter_map(|file| file.setting.as_ref());
        tested.chain(used).chain(file).find(|name| !self.setting.contains_key(*name)).map(String::as_str)
    }
}
